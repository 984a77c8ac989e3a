import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransientError } from '../../../../src/errors.ts'
import { createBell } from '../../../../src/lib/bell.ts'
import type { Incoming, Page } from '../../../../src/queues/kinesis/client.ts'
import { createCursor } from '../../../../src/queues/kinesis/cursor.ts'
import { createOutage } from '../../../../src/queues/kinesis/outage.ts'
import { SHARD_END, TRIM_HORIZON } from '../../../../src/queues/kinesis/position.ts'
import { silent } from '../../../support/queue-context.ts'

const ROOM = { items: 100, bytes: 1_000_000 }
const { signal } = new AbortController()

const incoming = (n: number): Incoming => ({
  key: 'k',
  body: Buffer.from(String(n)),
  sequence: String(n),
  arrivedAt: 0,
})

/** A cursor of a shard that gives these pages one after the other, and the places from where it was asked. */
function cursorOf(pages: readonly (Partial<Page> | Error)[], warn: (text: string) => void = () => {}) {
  const bell = createBell()
  const asked: string[] = []
  const failures: unknown[] = []
  let page = 0
  const cursor = createCursor({
    kinesis: {
      async iterator(_, after) {
        asked.push(after)
        return 'iterator'
      },
      async records() {
        const next = pages[page++] ?? {}
        if (next instanceof Error) throw next
        return { records: [], next: 'iterator', behindMs: 0, ...next }
      },
    },
    shard: 'shard',
    position: TRIM_HORIZON,
    pollMs: 0,
    bell,
    outage: createOutage({ ...silent, warn: (_, text) => warn(text) }, 'reading'),
    fail: (error) => failures.push(error),
  })
  async function fetch(): Promise<void> {
    const rung = bell.wait(signal, 5_000)
    cursor.fetch()
    await rung
  }
  return { cursor, asked, failures, fetch }
}

test('the position is the end of what is settled without a gap', async () => {
  const { cursor, fetch } = cursorOf([{ records: [incoming(1), incoming(2), incoming(3)] }])
  await fetch()
  const [first, second] = [cursor.take({ ...ROOM, items: 2 }), cursor.take(ROOM)]
  assert.deepEqual(
    first?.messages.map(({ body }) => body.toString()),
    ['1', '2'],
  )
  if (!first || !second) assert.fail('expected two')
  cursor.settle(second)
  assert.equal(cursor.position, TRIM_HORIZON)
  assert.equal(cursor.isIdle, false)
  cursor.settle(first)
  cursor.settle(first)
  assert.equal(cursor.position, '3')
  assert.equal(cursor.isIdle, true)
})

test('a closed shard is at its end once all of it is settled', async () => {
  const { cursor, fetch } = cursorOf([{ records: [incoming(1)], next: undefined }])
  await fetch()
  assert.equal(cursor.isRead, false)
  const taken = cursor.take(ROOM)
  assert.equal(cursor.isRead, true)
  assert.equal(cursor.position, TRIM_HORIZON)
  if (taken) cursor.settle(taken)
  assert.equal(cursor.position, SHARD_END)
  assert.equal(cursor.isDue, false)
})

test('a closed shard that is left before all of it was handed out is not at its end', async () => {
  const { cursor, fetch } = cursorOf([{ records: [incoming(1), incoming(2)], next: undefined }])
  await fetch()
  const taken = cursor.take({ ...ROOM, items: 1 })
  if (taken) cursor.settle(taken)
  cursor.close()
  assert.equal(cursor.position, '1')
  assert.equal(cursor.take(ROOM), undefined)
})

test('a page that comes when nobody wants it is not handed out, and moves nothing', async () => {
  const { cursor, fetch } = cursorOf([{ records: [], next: undefined }])
  const fetching = fetch()
  cursor.close()
  await fetching
  assert.equal(cursor.position, TRIM_HORIZON)
})

test('an iterator that expired is replaced by one behind what is here, without a word', async () => {
  const warnings: string[] = []
  const expired = named('ExpiredIteratorException')
  const { cursor, asked, fetch } = cursorOf(
    [{ records: [incoming(7)] }, expired, { records: [incoming(8)] }],
    (text) => warnings.push(text),
  )
  await fetch()
  cursor.take(ROOM)
  await fetch()
  await fetch()
  assert.deepEqual(asked, [TRIM_HORIZON, '7'])
  assert.equal(cursor.take(ROOM)?.messages[0]?.body.toString(), '8')
  assert.deepEqual(warnings, [])
})

test('to be asked to wait is no trouble, and an outage is told once', async () => {
  const warnings: string[] = []
  const throttled = named('ProvisionedThroughputExceededException')
  const lost = new TransientError('QUEUE_UNAVAILABLE', 'lost')
  const { cursor, failures, fetch } = cursorOf([throttled, lost, lost], (text) => warnings.push(text))
  await fetch()
  assert.deepEqual(warnings, [])
  assert.ok(cursor.dueAt > performance.now() - 1)
  await fetch()
  await fetch()
  assert.equal(warnings.length, 1)
  assert.deepEqual(failures, [])
})

test('what no repetition mends is told', async () => {
  const bug = new Error('a bug')
  const { failures, fetch } = cursorOf([bug])
  await fetch()
  assert.deepEqual(failures, [bug])
})

function named(name: string): TransientError {
  return new TransientError('QUEUE_UNAVAILABLE', name, { cause: Object.assign(new Error(name), { name }) })
}
