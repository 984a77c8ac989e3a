import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordsBatch } from '@platformatic/kafka'
import { createTenure, type Taken } from '../../../../src/queues/kafka/tenure.ts'

const ALL = { items: 1_000, bytes: 1e9 }
const CONTROL = 1 << 5

/** A batch as the client reads it: numbers that say their offset, and how many offsets it spans. */
function batch(
  first: number,
  deltas: readonly number[],
  last = deltas.at(-1) ?? 0,
  attributes = 0,
): RecordsBatch {
  const records = deltas.map((offsetDelta) => ({
    length: 0,
    attributes: 0,
    timestampDelta: 0n,
    offsetDelta,
    key: Buffer.from('k'),
    value: Buffer.from(String(first + offsetDelta)),
    headers: [],
  }))
  return {
    firstOffset: BigInt(first),
    length: 0,
    partitionLeaderEpoch: 0,
    magic: 2,
    crc: 0,
    attributes,
    lastOffsetDelta: last,
    firstTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: -1n,
    producerEpoch: 0,
    firstSequence: 0,
    records: records as unknown as RecordsBatch['records'],
  }
}

const numbers = (taken: Taken | undefined): number[] =>
  (taken?.messages ?? []).map(({ body }) => Number(body.toString()))

test('hands over what was asked for, though the brokers give whole batches', () => {
  const tenure = createTenure(0, 3)
  tenure.add([batch(0, [0, 1, 2, 3, 4])])
  assert.deepEqual(numbers(tenure.take(ALL)), [3, 4])
  assert.equal(tenure.position, 5)
  assert.equal(tenure.take(ALL), undefined)
  assert.equal(tenure.bytes, 0)
})

test('counts as acknowledged what is contiguous, in whatever order it comes', () => {
  const tenure = createTenure(0, 0)
  tenure.add([batch(0, [0, 1, 2, 3])])
  const takings = [1, 1, 2].map((items) => tenure.take({ items, bytes: 1e9 }))
  assert.deepEqual(takings.map(numbers), [[0], [1], [2, 3]])
  const settle = (n: number): void => {
    const taken = takings[n]
    if (taken) tenure.settle(taken.from, taken.to)
  }
  settle(2)
  assert.equal(tenure.acknowledged, 0)
  settle(0)
  assert.equal(tenure.acknowledged, 1)
  settle(1)
  assert.equal(tenure.acknowledged, 4)
})

test('gets past offsets that hold no message', () => {
  const tenure = createTenure(0, 0)
  // Compaction has left holes, and a transaction its mark.
  tenure.add([batch(0, [1, 3], 4), batch(5, [0], 0, CONTROL)])
  assert.equal(tenure.position, 6)
  assert.equal(tenure.acknowledged, 0)
  const taken = tenure.take(ALL)
  assert.deepEqual(numbers(taken), [1, 3])
  if (taken) tenure.settle(taken.from, taken.to)
  assert.equal(tenure.acknowledged, 6)
})

test('skips what was deleted, and keeps what it has', () => {
  const tenure = createTenure(0, 0)
  tenure.add([batch(0, [0, 1])])
  tenure.skipTo(10)
  tenure.add([batch(10, [0])])
  const [first, second] = [tenure.take({ items: 2, bytes: 1e9 }), tenure.take(ALL)]
  assert.deepEqual([numbers(first), numbers(second)], [[0, 1], [10]])
  for (const taken of [second, first]) if (taken) tenure.settle(taken.from, taken.to)
  assert.equal(tenure.acknowledged, 11)
})

test('hands over one message at least, however large', () => {
  const tenure = createTenure(0, 0)
  tenure.add([batch(0, [0, 1])])
  assert.deepEqual(numbers(tenure.take({ items: 10, bytes: 1 })), [0])
})
