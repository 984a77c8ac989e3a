import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPrefetch } from '../../../../src/queues/pubsub/prefetch.ts'
import type { Held } from '../../../../src/queues/pubsub/lease.ts'

const MIB = 1024 * 1024

const held = (count: number, bytes: number): Held[] =>
  Array.from({ length: count }, (_, n) => ({
    id: String(n),
    ackId: String(n),
    message: { key: 'k', body: Buffer.alloc(bytes) },
    since: 0,
    state: 'held',
  }))

test('asks for as many as there is room for if all are like the largest of late', () => {
  const prefetch = createPrefetch({ maxMessages: 8_000, maxBytes: 32 * MIB })
  assert.equal(prefetch.room, 256)
  prefetch.put(held(4, 4 * MIB - 512))
  assert.equal(prefetch.room, 4)
  prefetch.take(4)
  assert.equal(prefetch.room, 8)
  for (let n = 0; n < 16; n++) prefetch.put(held(1, 0))
  assert.equal(prefetch.room, 1_000)
})

test('asks for nothing when it is full, by count or by size', () => {
  const byCount = createPrefetch({ maxMessages: 10, maxBytes: MIB })
  byCount.put(held(7, 1))
  assert.equal(byCount.room, 3)
  byCount.put(held(3, 1))
  assert.equal(byCount.room, 0)
  const bySize = createPrefetch({ maxMessages: 10, maxBytes: MIB })
  bySize.put(held(1, 2 * MIB))
  assert.equal(bySize.room, 0)
  bySize.take(1)
  assert.equal(bySize.room, 1)
})
