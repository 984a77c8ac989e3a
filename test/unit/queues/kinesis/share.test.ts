import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasPassed, isBefore, SHARD_END, TRIM_HORIZON } from '../../../../src/queues/kinesis/position.ts'
import { createWatch, readable, sharesOf } from '../../../../src/queues/kinesis/share.ts'

const shard = (id: string, ...parents: readonly string[]) => ({ id, parents, isClosed: false })

test('children are read once all their parents are at their end', () => {
  const shards = [shard('a'), shard('b'), shard('c', 'a', 'b'), shard('d', 'c')]
  const after = (ended: readonly string[]) =>
    readable(shards, (id) => (ended.includes(id) ? SHARD_END : undefined))
  assert.deepEqual(after([]), ['a', 'b'])
  assert.deepEqual(after(['a']), ['b'])
  assert.deepEqual(after(['a', 'b']), ['c'])
  assert.deepEqual(after(['a', 'b', 'c']), ['d'])
  assert.deepEqual(after(['a', 'b', 'c', 'd']), [])
})

test('a parent that is gone holds nobody up', () => {
  assert.deepEqual(
    readable([shard('c', 'gone')], () => undefined),
    ['c'],
  )
})

test('readers share evenly, and the first have one more', () => {
  const shards = ['1', '2', '3', '4', '5']
  const taken = (reader: string) => sharesOf(reader, ['b', 'a'], shards, () => undefined).claimable
  assert.deepEqual(taken('a'), ['1', '2', '3'])
  assert.deepEqual(taken('b'), ['1', '2'])
})

test('what is beyond the share is given up, and what the dead had is taken', () => {
  const owners: Readonly<Record<string, string>> = { 1: 'a', 2: 'a', 3: 'a', 4: 'dead' }
  const ownerOf = (id: string) => owners[id]
  assert.deepEqual(sharesOf('a', ['a', 'b'], ['1', '2', '3', '4'], ownerOf), {
    surplus: ['3'],
    claimable: [],
  })
  assert.deepEqual(sharesOf('b', ['a', 'b'], ['1', '2', '3', '4'], ownerOf), {
    surplus: [],
    claimable: ['4'],
  })
})

test('who is not among the readers gets nothing', () => {
  assert.deepEqual(
    sharesOf('c', ['a'], ['1'], () => undefined),
    { surplus: [], claimable: [] },
  )
})

test('a reader that is silent for a lease is found, by the clock of who watches', () => {
  let now = 0
  const find = createWatch(1_000, () => now)
  assert.deepEqual(find(new Map([['a', 1]])), [])
  now = 999
  assert.deepEqual(find(new Map([['a', 1]])), [])
  now = 1_000
  assert.deepEqual(find(new Map([['a', 1]])), ['a'])
  assert.deepEqual(find(new Map([['a', 2]])), [])
})

test('sequence numbers are compared as numbers', () => {
  assert.ok(isBefore('9', '10'))
  assert.ok(isBefore('49590338271490256608559692538361571095921575989136588898', '5'.repeat(56)))
  assert.ok(!isBefore('10', '10'))
  assert.ok(hasPassed('10', '10'))
  assert.ok(!hasPassed('10', '11'))
  assert.ok(!hasPassed(TRIM_HORIZON, '1'))
  assert.ok(hasPassed(SHARD_END, '1'))
})
