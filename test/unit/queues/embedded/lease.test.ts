import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  claimable,
  createWatch,
  fairShare,
  LEASE_MS,
  surplusOf,
} from '../../../../src/queues/embedded/lease.ts'
import type { Group } from '../../../../src/queues/embedded/topic.ts'

const group = (readers: readonly string[], owners: readonly string[]): Group => ({
  name: 'g',
  hold: false,
  shares: owners.map((owner) => (owner ? { cursor: 0, owner } : { cursor: 0 })),
  readers: Object.fromEntries(readers.map((id) => [id, 1])),
})

test('divides all partitions among any number of readers, none more than one ahead', () => {
  for (let count = 1; count <= 6; count++) {
    const readers = Array.from({ length: count }, (_, n) => `reader-${n}`)
    const shares = readers.map((id) => fairShare(group(readers, ['', '', '', '']), id))
    assert.equal(
      shares.reduce((sum, share) => sum + share, 0),
      4,
    )
    assert.ok(Math.max(...shares) - Math.min(...shares) <= 1)
  }
})

test('gives nothing to who has not said that it reads', () => {
  assert.equal(fairShare(group(['a'], ['', '', '', '']), 'b'), 0)
  assert.deepEqual(claimable(group(['a'], ['', '', '', '']), 'b'), [])
})

test('lets a reader take what nobody has, up to its fair share', () => {
  assert.deepEqual(claimable(group(['a'], ['', '', '', '']), 'a'), [0, 1, 2, 3])
  assert.deepEqual(claimable(group(['a', 'b'], ['', '', '', 'a']), 'a'), [0])
  assert.deepEqual(claimable(group(['a', 'b'], ['b', 'b', 'b', 'b']), 'a'), [])
})

test('lets a reader take what a reader had that is gone', () => {
  assert.deepEqual(claimable(group(['a'], ['a', 'gone', 'gone', 'gone']), 'a'), [1, 2, 3])
})

test('asks back what is beyond the fair share', () => {
  assert.deepEqual(surplusOf(group(['a', 'b'], ['a', 'a', 'a', 'a']), 'a'), [2, 3])
  assert.deepEqual(surplusOf(group(['a', 'b'], ['a', 'a', 'b', 'b']), 'a'), [])
})

test('takes a reader for gone after a lease without a sign of it, by the own clock alone', () => {
  let now = 1_000_000
  const watch = createWatch(() => now)
  assert.deepEqual(watch({ a: 7, b: 1 }), [])
  now += LEASE_MS - 1
  assert.deepEqual(watch({ a: 7, b: 2 }), [])
  now += 1
  assert.deepEqual(watch({ a: 7, b: 2 }), ['a'])
  assert.deepEqual(watch({ a: 8, b: 2 }), [])
})

test('knows nothing of a reader that it sees for the first time', () => {
  let now = 0
  const watch = createWatch(() => now)
  watch({ a: 1 })
  now += 10 * LEASE_MS
  assert.deepEqual(watch({ a: 2, b: 1 }), [])
})
