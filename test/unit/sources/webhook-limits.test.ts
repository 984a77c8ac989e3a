import assert from 'node:assert/strict'
import { request } from 'node:http'
import { describe, test } from 'node:test'
import { config } from '../../../src/sources/webhook/config.ts'
import { eventually } from '../../support/pipeline.ts'
import { head, openConnection, statusesIn } from '../../support/raw-http.ts'
import { openListener, type WebhookListener } from '../../support/webhook-listener.ts'

const REVIEW = '{"review_id":"R1"}'
const JSON_TYPE = 'content-type: application/json'
const CLOSE = 'connection: close'
const SHARED = { verify: { scheme: 'shared-secret', secrets: ['open sesame'] } }

const lengthOf = (body: string): string => `content-length: ${Buffer.byteLength(body)}`

/** Sends these bytes over a connection of their own, and tells all that came back until it was closed. */
async function answerTo(listener: WebhookListener, bytes: string | Uint8Array): Promise<string> {
  using connection = openConnection(listener.url)
  connection.write(bytes)
  return await connection.closed
}

/** That nobody else suffers: an ordinary delivery is taken. */
async function stillServes(listener: WebhookListener): Promise<void> {
  const answer = listener.post(REVIEW, { 'content-type': 'application/json' })
  assert.deepEqual(await listener.accept(), [REVIEW])
  assert.equal((await answer).status, 202)
}

describe('the head of a request', () => {
  test('with more than 16 KiB of headers is a 431, and the sender reads why', async () => {
    await using listener = await openListener()
    const long = `x-long: ${'x'.repeat(16 * 2 ** 10)}`
    const answer = await answerTo(listener, head(listener.url, long, JSON_TYPE, lengthOf(REVIEW)) + REVIEW)
    assert.deepEqual(statusesIn(answer), [431])
    assert.match(answer, /\{"error":"expected at most 16384 bytes of headers"\}$/)
    await stillServes(listener)
  })

  test('just below 16 KiB is taken', async () => {
    await using listener = await openListener()
    const long = `x-long: ${'x'.repeat(16_000)}`
    using connection = openConnection(listener.url)
    connection.write(head(listener.url, long, JSON_TYPE, lengthOf(REVIEW)) + REVIEW)
    assert.deepEqual(await listener.accept(), [REVIEW])
    assert.deepEqual(statusesIn(await connection.received(/"received":1/)), [202])
  })

  test('with more than 100 headers is a 431; with 100 it is taken', async () => {
    await using listener = await openListener()
    const some = (count: number) => Array.from({ length: count }, (_, n) => `x-${n}: 1`)
    const known = [JSON_TYPE, lengthOf(REVIEW), CLOSE] // and host
    const refused = await answerTo(listener, head(listener.url, ...known, ...some(97)) + REVIEW)
    assert.match(refused, /^HTTP\/1\.1 431 [^]*expected at most 100 headers/)
    using connection = openConnection(listener.url)
    connection.write(head(listener.url, ...known, ...some(96)) + REVIEW)
    assert.deepEqual(await listener.accept(), [REVIEW])
    assert.deepEqual(statusesIn(await connection.closed), [202])
  })

  test('whose lengths contradict each other is a 400, and nothing is handed over', async () => {
    await using listener = await openListener()
    const contradictions = [
      ['content-length: 18', 'content-length: 19'],
      ['content-length: 18', 'transfer-encoding: chunked'],
      ['content-length: -1'],
      ['content-length: 0x12'],
      ['content-length: 18, 18'],
      ['content-length: 99999999999999999999999999'],
      ['transfer-encoding: chunked, identity'],
    ]
    for (const lines of contradictions) {
      const answer = await answerTo(listener, head(listener.url, JSON_TYPE, CLOSE, ...lines) + REVIEW)
      assert.match(answer, /^HTTP\/1\.1 400 /, lines.join())
    }
    listener.stop()
    assert.equal(await listener.next(), undefined)
  })

  test('without a host is a 400, as HTTP/1.1 asks', async () => {
    await using listener = await openListener()
    const bytes = `POST /hooks/partner HTTP/1.1\r\n${JSON_TYPE}\r\n${CLOSE}\r\n${lengthOf(REVIEW)}\r\n\r\n${REVIEW}`
    assert.deepEqual(statusesIn(await answerTo(listener, bytes)), [400])
  })

  test('of HTTP/1.0 is as good, and its connection is closed behind the answer', async () => {
    await using listener = await openListener()
    using connection = openConnection(listener.url)
    connection.write(`POST /hooks/partner HTTP/1.0\r\n${JSON_TYPE}\r\n${lengthOf(REVIEW)}\r\n\r\n${REVIEW}`)
    assert.deepEqual(await listener.accept(), [REVIEW])
    assert.deepEqual(statusesIn(await connection.closed), [202])
  })

  test('of HTTP/1.0 without a length has no body: 400', async () => {
    await using listener = await openListener()
    const answer = await answerTo(listener, `POST /hooks/partner HTTP/1.0\r\n${JSON_TYPE}\r\n\r\n`)
    assert.deepEqual(statusesIn(answer), [400])
  })
})

describe('garbage on the port', () => {
  const garbage: Record<string, string | Uint8Array> = {
    'a line of text': 'hello?\r\n\r\n',
    'NUL bytes': Buffer.alloc(1_000),
    'all bytes there are': Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
    'the beginning of TLS': Buffer.from('16030100f8010000f40303', 'hex'),
    'the beginning of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a method that nobody knows': 'REVIEW / HTTP/1.1\r\nhost: x\r\n\r\n',
    'a header without a colon': 'POST /hooks/partner HTTP/1.1\r\nhost: x\r\nnonsense\r\n\r\n',
    'a control character in a header': 'POST /hooks/partner HTTP/1.1\r\nhost: x\r\nx-a: \u0001\0\r\n\r\n',
    'a chunk whose size is none':
      'POST /hooks/partner HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n',
  }
  for (const [what, bytes] of Object.entries(garbage)) {
    test(`${what}: 400, closed, and others are served`, async () => {
      await using listener = await openListener()
      const answer = await answerTo(listener, bytes)
      assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n[^]*\r\n\r\n\{"error":"expected [^"]+"\}/)
      await stillServes(listener)
    })
  }
})

describe('a body', () => {
  test('that ends before its content-length hands over nothing, and its memory is given back', async () => {
    await using listener = await openListener({ maxInFlightBytes: 2_000 })
    const all = listener.acceptAll()
    const body = `"${'x'.repeat(1_000)}"`
    const until = async (wanted: number) => {
      const { status } = await listener.post(body, { 'content-type': 'application/json' })
      return status === wanted ? true : undefined
    }
    const connection = openConnection(listener.url)
    connection.write(head(listener.url, JSON_TYPE, 'content-length: 1900') + ' '.repeat(1_800))
    await eventually(() => until(503), 'the memory to be taken')
    connection[Symbol.dispose]()
    await eventually(() => until(202), 'the memory to be given back')
    listener.stop()
    await all
  })

  test('longer than its content-length: what stands behind it is no request, and the connection is closed', async () => {
    await using listener = await openListener()
    using connection = openConnection(listener.url)
    connection.write(`${head(listener.url, JSON_TYPE, lengthOf(REVIEW))}${REVIEW}{"review_id":"R2"}`)
    assert.deepEqual(await listener.accept(), [REVIEW])
    assert.ok(statusesIn(await connection.closed).includes(400))
    await stillServes(listener)
  })

  test('of a request that no source takes is not read: 404', async () => {
    await using listener = await openListener()
    const nowhere = listener.url.replace('partner', 'nobody')
    for (const type of ['application/json', 'text/plain', 'nonsense']) {
      const headers = { 'content-type': type }
      const answer = await fetch(nowhere, { method: 'POST', body: '{"a":', headers })
      assert.deepEqual(
        [answer.status, await answer.json()],
        [404, { error: 'no source listens at this path' }],
      )
    }
  })

  test('in chunks of one byte is whole', async () => {
    await using listener = await openListener()
    const sent = request(listener.url, { method: 'POST', headers: { 'content-type': 'application/json' } })
    const answered = new Promise<number | undefined>((resolve, reject) => {
      sent.on('error', reject).on('response', (response) => resolve(response.resume().statusCode))
    })
    for (const byte of REVIEW) sent.write(byte)
    sent.end()
    assert.deepEqual(await listener.accept(), [REVIEW])
    assert.equal(await answered, 202)
  })
})

describe('Expect: 100-continue', () => {
  const EXPECT = 'expect: 100-continue'

  test('is answered with 100 before the body is sent, and with 202 behind it', async () => {
    await using listener = await openListener()
    using connection = openConnection(listener.url)
    connection.write(head(listener.url, EXPECT, JSON_TYPE, lengthOf(REVIEW)))
    await connection.received(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    connection.write(REVIEW)
    assert.deepEqual(await listener.accept(), [REVIEW])
    assert.deepEqual(statusesIn(await connection.received(/"received":1/)), [100, 202])
  })

  test('asked for a body that would be refused anyway: the head alone is refused', async () => {
    await using listener = await openListener({ ...SHARED, maxBodyBytes: 1_000 })
    const known = [EXPECT, 'x-webhook-secret: open sesame']
    const heads: readonly [number, readonly string[]][] = [
      [401, [EXPECT, JSON_TYPE, 'content-length: 18']],
      [401, [EXPECT, 'x-webhook-secret: guessed', JSON_TYPE, 'content-length: 18']],
      [413, [...known, JSON_TYPE, 'content-length: 1001']],
      [415, [...known, 'content-type: text/plain', 'content-length: 18']],
      [415, [...known, JSON_TYPE, 'content-encoding: compress', 'content-length: 18']],
    ]
    for (const [status, lines] of heads) {
      assert.deepEqual(statusesIn(await answerTo(listener, head(listener.url, ...lines))), [status])
    }
    const elsewhere = head(`${listener.url}/more`, EXPECT, JSON_TYPE, 'content-length: 18')
    assert.deepEqual(statusesIn(await answerTo(listener, elsewhere)), [404])
  })

  test('any other expectation is a 417', async () => {
    await using listener = await openListener()
    const bytes = head(listener.url, 'expect: a miracle', CLOSE, JSON_TYPE, lengthOf(REVIEW)) + REVIEW
    assert.match(await answerTo(listener, bytes), /^HTTP\/1\.1 417 [^]*\{"error":"expected no expect but/)
  })
})

describe('pipelined requests', () => {
  test('are answered one by one, in their order', async () => {
    await using listener = await openListener()
    const all = listener.acceptAll()
    using connection = openConnection(listener.url)
    const types = ['application/json', 'text/plain', 'application/json', 'application/json']
    const bodies = [REVIEW, REVIEW, ' ', `[${REVIEW},${REVIEW}]`]
    const requests = bodies.map((body, n) => {
      return head(listener.url, `content-type: ${types[n]}`, lengthOf(body)) + body
    })
    connection.write(requests.join(''))
    const text = await connection.received(/"received":2/)
    assert.deepEqual(statusesIn(text), [202, 415, 400, 202])
    listener.stop()
    assert.equal(await all, 3)
  })

  test('thousands of them on one connection are all answered', async () => {
    const count = 5_000
    await using listener = await openListener()
    const all = listener.acceptAll()
    using connection = openConnection(listener.url)
    connection.write((head(listener.url, JSON_TYPE, lengthOf(REVIEW)) + REVIEW).repeat(count))
    connection.write(head(listener.url, 'content-type: text/plain', 'content-length: 0', CLOSE))
    const statuses = statusesIn(await connection.closed)
    assert.equal(statuses.length, count + 1)
    assert.equal(statuses.at(-1), 415)
    const taken = statuses.filter((status) => status === 202).length
    assert.equal(taken + statuses.filter((status) => status === 503).length, count)
    listener.stop()
    assert.equal(await all, taken)
  })
})

test('a deadline longer than a connection may be still is a problem of the config', () => {
  assert.equal(config.safeParse({ deadlineMs: '4m' }).success, true)
  assert.match(String(config.safeParse({ deadlineMs: '5m' }).error?.message), /expected at most 4m/)
})
