import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransientError } from '../../../../src/errors.ts'
import type { Limits, Outgoing, Put } from '../../../../src/queues/kinesis/client.ts'
import { createOutbox } from '../../../../src/queues/kinesis/outbox.ts'

const place = { stream: 's', address: '127.0.0.1:1', setting: 'queue.endpoint' } as const
const record = (key: string, body = key): Outgoing => ({ PartitionKey: key, Data: Buffer.from(body) })
const text = ({ Data }: Outgoing): string => Data.toString()

interface Answers {
  readonly put?: (records: readonly Outgoing[], request: number) => Promise<readonly Put[]>
  readonly maxRequestBytes?: number
  readonly timeoutMs?: number
}

/** An outbox to a service that takes everything, unless it is told otherwise, and notes what it was asked. */
function outboxTo({ put, maxRequestBytes = 1_000_000, timeoutMs = 5_000 }: Answers = {}) {
  const requests: (readonly Outgoing[])[] = []
  let sequence = 0
  const take = (records: readonly Outgoing[]): readonly Put[] =>
    records.map(() => ({ shard: 'shard', sequence: String(++sequence) }))
  const kinesis = {
    place,
    async put(records: readonly Outgoing[], _: Limits = {}) {
      requests.push(records)
      return put ? put(records, requests.length) : take(records)
    },
  }
  const outbox = createOutbox({ kinesis, maxRequestBytes, timeoutMs, random: () => 0 })
  return { outbox, requests, take }
}

test('a key is in a request once, and its records follow each other', async () => {
  const { outbox, requests } = outboxTo()
  await outbox.send([record('a', '1'), record('a', '2'), record('b', '3'), record('a', '4')])
  assert.deepEqual(
    requests.map((records) => records.map(text)),
    [['1', '3'], ['2'], ['4']],
  )
})

test('a request holds at most 500 records and so many bytes, one larger record going alone', async () => {
  const many = outboxTo()
  await many.outbox.send(Array.from({ length: 1_001 }, (_, n) => record(`key-${n}`)))
  assert.deepEqual(
    many.requests.map((records) => records.length),
    [500, 500, 1],
  )
  const small = outboxTo({ maxRequestBytes: 10 })
  await small.outbox.send([record('a', '1234'), record('b', '1234'), record('c', '12345678901234')])
  assert.deepEqual(
    small.requests.map((records) => records.length),
    [2, 1],
  )
})

test('only what was refused is sent again, and holds up its own key alone', async () => {
  const { outbox, requests, take } = outboxTo({
    put: async (records, request) => {
      const taken = take(records)
      return records.map((each, n) =>
        request === 1 && text(each) === 'a1' ? { failure: 'later' } : (taken[n] ?? { failure: '' }),
      )
    },
  })
  await outbox.send([record('a', 'a1'), record('b', 'b1'), record('a', 'a2'), record('b', 'b2')])
  assert.deepEqual(requests.flat().map(text).toSorted(), ['a1', 'a1', 'a2', 'b1', 'b2'])
  const ofA = requests
    .flat()
    .filter(({ PartitionKey }) => PartitionKey === 'a')
    .map(text)
  assert.deepEqual(ofA, ['a1', 'a1', 'a2'])
})

test('one request is under way at a time, and calls do not mix up', async () => {
  let underWay = 0
  const { outbox, take } = outboxTo({
    put: async (records) => {
      assert.equal(++underWay, 1)
      await new Promise((resolve) => setImmediate(resolve))
      underWay--
      return take(records)
    },
  })
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => outbox.send([record('a', String(n)), record(`b${n}`)])),
  )
})

test('who had a record in a request that failed is told, and nobody else; what else they had is dropped', async () => {
  const lost = new TransientError('QUEUE_UNAVAILABLE', 'lost')
  const { outbox, requests, take } = outboxTo({
    put: async (records, request) => {
      if (request === 1) throw lost
      return take(records)
    },
  })
  const first = outbox.send([record('a', '1'), record('a', '2')])
  const second = outbox.send([record('b', '3')])
  await assert.rejects(first, lost)
  await second
  assert.deepEqual(
    requests.map((records) => records.map(text)),
    [['1'], ['3']],
  )
})

test('what is refused for ever ends with the last that was said', async () => {
  const { outbox } = outboxTo({
    put: async (records) => records.map(() => ({ failure: 'Throttled: rate exceeded' })),
    timeoutMs: 50,
  })
  await assert.rejects(outbox.send([record('a')]), {
    code: 'QUEUE_UNAVAILABLE',
    message: /127\.0\.0\.1:1 \(queue\.endpoint\) did not confirm 1 record within 50 ms.*rate exceeded/,
  })
})

test('whoever gives up is told at once, and what was not sent is not sent', async () => {
  const gate = Promise.withResolvers<void>()
  const { outbox, requests, take } = outboxTo({
    put: async (records) => {
      await gate.promise
      return take(records)
    },
  })
  const stop = new AbortController()
  const given = outbox.send([record('a', '1'), record('a', '2')], stop)
  const reason = new Error('stopped')
  stop.abort(reason)
  await assert.rejects(given, reason)
  gate.resolve()
  await outbox.send([record('a', '3')])
  assert.deepEqual(requests.flat().map(text), ['1', '3'])
})

test('closing ends what waits, and takes nothing more', async () => {
  const { outbox } = outboxTo({ put: () => new Promise(() => {}) })
  const sending = outbox.send([record('a')])
  outbox.close()
  await assert.rejects(sending, { code: 'QUEUE_UNAVAILABLE' })
  await assert.rejects(outbox.send([record('b')]), { code: 'QUEUE_UNAVAILABLE' })
})

test('it knows the newest record of each shard, and tells of those to come', async () => {
  const { outbox } = outboxTo()
  await outbox.send([record('a'), record('b')])
  assert.deepEqual([...outbox.newest], [['shard', '2']])
  const told: string[] = []
  using _ = outbox.onConfirmed((shard, sequence) => void told.push(`${shard} ${sequence}`))
  await outbox.send([record('c')])
  assert.deepEqual(told, ['shard 3'])
})
