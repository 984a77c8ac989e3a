import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openListener } from '../../support/webhook-listener.ts'

const REVIEW = '{ "review_id": "R1", "rating": 5.0 }'
const JSON_TYPE = { 'content-type': 'application/json' }

describe('the flow', () => {
  test('requests that wait are handed over as one batch, and each gets its own answer', async () => {
    await using listener = await openListener()
    const first = listener.post('"first"', JSON_TYPE)
    const underWay = await listener.next()
    const others = ['["a","b"]', '"c"', '["d","e","f"]'].map((body) => listener.post(body, JSON_TYPE))
    await listener.arrived(7)
    const together = await listener.next()
    assert.equal(together?.items.length, 6)
    await together?.ack(
      together.items.map(({ raw }) => (raw.toString() === '"c"' ? 'unchanged' : 'accepted')),
    )
    await underWay?.ack()
    const answers = await Promise.all([first, ...others])
    assert.deepEqual(
      answers.map(({ body }) => [body['accepted'], body['unchanged']]),
      [
        [1, 0],
        [2, 0],
        [0, 1],
        [3, 0],
      ],
    )
  })

  test('a full queue is a 503 that says when to come back', async () => {
    await using listener = await openListener({ queueDepth: 1 })
    const both = [listener.post('1', JSON_TYPE), listener.post('2', JSON_TYPE)]
    const refused = await Promise.race(both)
    assert.equal(refused.status, 503)
    assert.match(refused.headers.get('retry-after') ?? '', /^[567]$/)
    await listener.accept()
    const statuses = (await Promise.all(both)).map(({ status }) => status)
    assert.deepEqual(new Set(statuses), new Set([202, 503]))
  })

  test('more bytes than may be under way are a 503, until they are acknowledged', async () => {
    await using listener = await openListener({ maxInFlightBytes: 1_000 })
    const first = listener.post(REVIEW, JSON_TYPE)
    const held = await listener.next()
    assert.equal((await listener.post(`"${'x'.repeat(900)}"`, JSON_TYPE)).status, 503)
    await held?.ack()
    await first
    const second = listener.post(`"${'x'.repeat(900)}"`, JSON_TYPE)
    await listener.accept()
    assert.equal((await second).status, 202)
  })

  test('what is not acknowledged by the deadline is a 503; a late acknowledgement spares the repeat', async () => {
    const verify = { scheme: 'shared-secret', secrets: ['open sesame'], deliveryHeader: 'x-delivery' }
    const headers = { ...JSON_TYPE, 'x-webhook-secret': 'open sesame', 'x-delivery': 'd1' }
    await using listener = await openListener({ verify, deadlineMs: '30ms' })
    const answer = listener.post(REVIEW, headers)
    const batch = await listener.next()
    assert.equal((await answer).status, 503)
    await batch?.ack()
    assert.equal((await listener.post(REVIEW, headers)).body['duplicate'], true)
  })

  test('a bug of ours is a 503 too', async () => {
    const split = () => {
      throw new Error('a bug')
    }
    await using listener = await openListener({}, { split })
    const { status, body } = await listener.post(REVIEW, JSON_TYPE)
    assert.equal(status, 503)
    assert.doesNotMatch(String(body['error']), /bug/)
  })

  test('items of a sender that went away are handed over all the same', async () => {
    await using listener = await openListener()
    const away = new AbortController()
    const gone = fetch(listener.url, {
      method: 'POST',
      body: REVIEW,
      headers: JSON_TYPE,
      signal: away.signal,
    })
    const batch = await listener.next()
    away.abort()
    await assert.rejects(gone)
    assert.equal(batch?.items.length, 1)
    await batch?.ack()
  })

  test('stopping refuses what is new and still answers what was taken', async () => {
    await using listener = await openListener()
    const first = listener.post('1', JSON_TYPE)
    const batch = await listener.next()
    const waiting = listener.post('2', JSON_TYPE)
    await listener.arrived(2)
    listener.stop()
    const late = await listener.post('3', JSON_TYPE)
    assert.deepEqual([late.status, late.headers.get('connection')], [503, 'close'])
    await batch?.ack()
    assert.equal((await first).status, 202)
    assert.deepEqual(await listener.accept(), ['2'])
    assert.equal((await waiting).status, 202)
    assert.equal(await listener.next(), undefined)
  })

  test('disposing answers what was not acknowledged with 503', async () => {
    await using listener = await openListener()
    const answer = listener.post(REVIEW, JSON_TYPE)
    const batch = await listener.next()
    await listener.source[Symbol.asyncDispose]()
    assert.equal((await answer).status, 503)
    await batch?.ack()
  })
})
