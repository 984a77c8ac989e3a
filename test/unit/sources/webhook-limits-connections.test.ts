import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { createIntakeListener } from '../../../src/listeners.ts'
import { eventually } from '../../support/pipeline.ts'
import { head, openConnection, statusesIn } from '../../support/raw-http.ts'
import { openListener, type WebhookListener } from '../../support/webhook-listener.ts'

const REVIEW = '{"review_id":"R1"}'
const JSON_TYPE = 'content-type: application/json'
/** The shortest times that the listener looks at. */
const QUICK = { limits: { requestTimeoutMs: 1_000 } }
const MANY = 200

async function stillServes(listener: WebhookListener): Promise<void> {
  const answer = listener.post(REVIEW, { 'content-type': 'application/json' })
  assert.deepEqual(await listener.accept(), [REVIEW])
  assert.equal((await answer).status, 202)
}

describe('senders that take their time', () => {
  const begun: Record<string, (url: string) => string> = {
    'with the head': (url) => head(url, JSON_TYPE).slice(0, -2),
    'with the body': (url) => `${head(url, JSON_TYPE, 'content-length: 1000')}{"review_id":`,
    'with a body in chunks': (url) =>
      `${head(url, JSON_TYPE, 'transfer-encoding: chunked')}d\r\n{"review_id":\r\n`,
  }
  for (const [how, begin] of Object.entries(begun)) {
    test(`${how}: ${MANY} at once read a 408 and are closed, and others are served meanwhile`, async () => {
      await using listener = await openListener({}, QUICK)
      const slow = Array.from({ length: MANY }, () => openConnection(listener.url))
      for (const connection of slow) connection.write(begin(listener.url))
      await stillServes(listener)
      const answers = await Promise.all(slow.map(({ closed }) => closed))
      for (const answer of answers) {
        assert.deepEqual(statusesIn(answer), [408])
        assert.match(answer, /\{"error":"the request did not arrive as a whole in time"\}$/)
      }
      await stillServes(listener)
      listener.stop()
      assert.equal(await listener.next(), undefined, 'nothing of them was handed over')
    })
  }

  test('with everything: a connection on which nothing comes is closed', async () => {
    await using listener = await openListener({}, QUICK)
    const silent = Array.from({ length: MANY }, () => openConnection(listener.url))
    await stillServes(listener)
    await Promise.all(silent.map(({ closed }) => closed))
  })

  test('byte by byte: as long as something comes is not long enough', async () => {
    await using listener = await openListener({}, QUICK)
    using connection = openConnection(listener.url)
    connection.write(`${head(listener.url, JSON_TYPE, 'content-length: 1000000')}"`)
    const timer = setInterval(() => connection.write('x'), 20)
    try {
      assert.deepEqual(statusesIn(await connection.closed), [408])
    } finally {
      clearInterval(timer)
    }
  })

  test('to read: what comes without end behind a refusal ends the connection', async () => {
    await using listener = await openListener({ maxBodyBytes: 1_000 }, QUICK)
    using connection = openConnection(listener.url)
    connection.write(head(listener.url, JSON_TYPE, 'transfer-encoding: chunked'))
    const timer = setInterval(() => connection.write(`400\r\n${' '.repeat(1_024)}\r\n`), 20)
    try {
      await connection.received(/^HTTP\/1\.1 413 /)
      await connection.closed
    } finally {
      clearInterval(timer)
    }
  })

  test('hold the memory of all only until their time is up', async () => {
    await using listener = await openListener({ maxInFlightBytes: 100_000 }, QUICK)
    const all = listener.acceptAll()
    const body = `"${'x'.repeat(50_000)}"`
    const until = async (wanted: number) => {
      const { status } = await listener.post(body, { 'content-type': 'application/json' })
      return status === wanted ? true : undefined
    }
    const slow = Array.from({ length: 10 }, () => openConnection(listener.url))
    for (const connection of slow) {
      connection.write(head(listener.url, JSON_TYPE, 'content-length: 10000') + ' '.repeat(9_000))
    }
    await eventually(() => until(503), 'the memory to be taken')
    await eventually(() => until(202), 'the memory to be given back')
    await Promise.all(slow.map(({ closed }) => closed))
    listener.stop()
    await all
  })
})

describe('connections', () => {
  test('beyond the limit are closed as they come; waiting for the next request makes room for them', async () => {
    await using listener = await openListener({}, { limits: { maxConnections: 4 } })
    const all = listener.acceptAll()
    const request = head(listener.url, JSON_TYPE, `content-length: ${REVIEW.length}`) + REVIEW
    const busy = openConnection(listener.url)
    busy.write(request.slice(0, -1))
    const idle = Array.from({ length: 3 }, () => openConnection(listener.url))
    for (const connection of idle) connection.write(request)
    for (const connection of idle) await connection.received(/"received":1/)

    using first = openConnection(listener.url)
    assert.equal(await first.closed, '', 'one too many')
    await Promise.all(idle.map(({ closed }) => closed))
    using second = openConnection(listener.url)
    second.write(request)
    await second.received(/"received":1/)
    busy.write(request.slice(-1))
    await busy.received(/"received":1/)
    busy[Symbol.dispose]()
    listener.stop()
    assert.equal(await all, 5)
  })

  test('are kept for the next request for 75 s, and given up after 5 minutes in which nothing moves', async () => {
    await using listener = await openListener()
    const answer = listener.post(REVIEW, { 'content-type': 'application/json' })
    await listener.accept()
    assert.equal((await answer).headers.get('keep-alive'), 'timeout=75')
    await using http = createIntakeListener({ requestTimeoutMs: 60_000, maxConnections: 10 })
    const { keepAliveTimeout, timeout, headersTimeout, requestTimeout } = http.server
    assert.deepEqual([keepAliveTimeout, timeout], [75_000, 300_000])
    assert.deepEqual([headersTimeout, requestTimeout], [10_000, 60_000])
  })

  test('of a sender that reads none of its answers are read no further', async () => {
    await using http = createIntakeListener({ requestTimeoutMs: 60_000, maxConnections: 10 })
    let requests = 0
    http.server.on('request', () => requests++)
    const { hostname, port } = new URL(await http.listen({ host: '127.0.0.1', port: 0 }))
    const socket = connect({ host: hostname, port: Number(port) })
    await once(socket, 'connect')
    const flood = Buffer.from('GET /nobody HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(10_000))
    const sent = await writeUntilStuck(socket, flood)
    assert.ok(requests < (sent / flood.length) * 10_000, `${requests} requests were taken of ${sent} bytes`)
    socket.destroy()
  })
})

/** Writes until nobody takes any more, which is when the other side has paused and all buffers are full. */
async function writeUntilStuck(socket: Socket, bytes: Buffer): Promise<number> {
  let sent = 0
  while (sent < 2 ** 30) {
    sent += bytes.length
    if (socket.write(bytes)) continue
    const drained = await Promise.race([once(socket, 'drain'), stalled(socket)])
    if (drained === false) return sent
  }
  throw new Error('a gibibyte of requests was taken without one answer read')
}

/** Resolves to false when no byte has left for a second. */
async function stalled(socket: Socket): Promise<boolean> {
  for (let last = -1; last !== socket.bytesWritten - socket.writableLength; ) {
    last = socket.bytesWritten - socket.writableLength
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
  return false
}
