import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createIntakeListener } from '../../../src/listeners.ts'
import { Refused } from '../../../src/sources/webhook/refused.ts'
import { createRefusals } from '../../../src/sources/webhook/refusals.ts'
import { openListener } from '../../support/webhook-listener.ts'

const REVIEW = '{"review_id":"R1"}'

describe('who asks wrongly is told what is right', () => {
  test('a browser that opens the address reads that it takes a POST', async () => {
    await using listener = await openListener()
    const answer = await fetch(listener.url)
    assert.equal(answer.status, 405)
    assert.equal(answer.headers.get('allow'), 'POST')
    assert.match(await answer.text(), /expected a POST with a review/)
  })

  test('curl without a content type reads which option it lacks', async () => {
    await using listener = await openListener()
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const { status, body } = await listener.post(REVIEW, type)
    assert.equal(status, 415)
    assert.match(String(body['error']), /curl takes -H 'content-type: application\/json'/)
  })

  test('a provider that sends XML is told to send JSON, and so is the log', async () => {
    const warned: object[] = []
    const ignore = (): void => {}
    const logger = {
      debug: ignore,
      info: ignore,
      warn: (fields: object) => void warned.push(fields),
      error: ignore,
    }
    await using listener = await openListener({}, { logger })
    for (const type of ['application/xml; charset=utf-8', 'text/xml', 'application/atom+xml', 'text/csv']) {
      const { status, body } = await listener.post('<review><id>1</id></review>', { 'content-type': type })
      assert.equal(status, 415)
      assert.match(
        String(body['error']),
        /^expected a content-type of application\/json.*; set the sender to JSON/,
      )
    }
    assert.partialDeepStrictEqual(warned, [{ source: 'partner', status: 415 }])
    assert.match(JSON.stringify(warned), /application\/xml.*; set the sender to JSON/)
  })

  test('a type or an encoding without end is not repeated as a whole', async () => {
    await using listener = await openListener()
    const long = 'x'.repeat(8_000)
    for (const headers of [{ 'content-type': `text/${long}` }, { 'content-encoding': long }]) {
      const { status, body } = await listener.post(REVIEW, headers)
      assert.equal(status, 415)
      assert.ok(String(body['error']).length < 500)
    }
  })

  test('an unknown path is not repeated: it may hold a secret', async () => {
    await using http = createIntakeListener({ requestTimeoutMs: 60_000, maxConnections: 10 })
    const url = await http.listen({ host: '127.0.0.1', port: 0 })
    for (const path of ['/hooks/hunter2?token=hunter2', '/hooks/%hunter2']) {
      const answer = await fetch(url + path, { method: 'POST' })
      assert.equal(answer.status, path.includes('%') ? 400 : 404)
      assert.doesNotMatch(await answer.text(), /hunter2/)
    }
  })

  test('a body of commas was acknowledged and dropped: it is handed over as unreadable', async () => {
    await using listener = await openListener()
    const answer = listener.post('[,]')
    const batch = await listener.next()
    assert.deepEqual(
      batch?.items.map(({ raw, context: { unreadable } }) => [raw.toString(), unreadable]),
      [['[,]', 'expected a value, found , at byte 1']],
    )
    await batch?.ack()
    assert.equal((await answer).status, 202)
  })
})

test('refused deliveries were in no log: the first of each status is, and then their number once a minute', () => {
  const lines: object[] = []
  const ignore = (): void => {}
  const logger = { debug: ignore, info: ignore, warn: (fields: object) => lines.push(fields), error: ignore }
  let now = 0
  const tell = createRefusals('shop', logger, () => now)
  const unsigned = new Refused(401, 'expected one webhook-id header')
  for (now of [0, 1, 59_999, 60_000, 60_001]) tell(unsigned)
  tell(new Refused(415, 'expected a content-type'))
  assert.deepEqual(lines, [
    { source: 'shop', status: 401, reason: 'expected one webhook-id header', deliveries: 1 },
    { source: 'shop', status: 401, reason: 'expected one webhook-id header', deliveries: 3 },
    { source: 'shop', status: 415, reason: 'expected a content-type', deliveries: 1 },
  ])
})
