import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedMap } from '../../../src/lib/bounded-map.ts'
import { Channel } from '../../../src/lib/channel.ts'

async function drained<T>(channel: Channel<T>, maxWeight: number): Promise<T[][]> {
  const groups: T[][] = []
  for await (const group of channel.drain(maxWeight)) groups.push(group)
  return groups
}

test('hands over what waits, oldest first, in groups', async () => {
  const channel = new Channel<number>(10)
  for (const item of [1, 2, 3, 4, 5]) channel.trySend(item)
  channel.close()
  assert.deepEqual(await drained(channel, 2), [[1, 2], [3, 4], [5]])
})

test('a group is as heavy as allowed, or one item alone', async () => {
  const channel = new Channel<number>(10, (item) => item)
  for (const item of [3, 4, 4, 99, 1, 2]) channel.trySend(item)
  channel.close()
  assert.deepEqual(await drained(channel, 8), [[3, 4], [4], [99], [1, 2]])
})

test('says so when it is full, and takes again once drained', async () => {
  const channel = new Channel<string>(1)
  assert.equal(channel.trySend('a'), true)
  assert.equal(channel.full, true)
  assert.equal(channel.trySend('b'), false)
  const groups = channel.drain(10)
  assert.deepEqual((await groups.next()).value, ['a'])
  assert.equal(channel.trySend('c'), true)
  assert.deepEqual((await groups.next()).value, ['c'])
})

test('a drain that waits is woken by what is sent', async () => {
  const channel = new Channel<string>(1)
  const waiting = channel.drain(10).next()
  channel.trySend('a')
  assert.deepEqual((await waiting).value, ['a'])
})

test('closing ends a waiting drain and refuses what comes after', async () => {
  const channel = new Channel<string>(1)
  const waiting = channel.drain(10).next()
  channel.close()
  assert.equal((await waiting).done, true)
  assert.equal(channel.trySend('a'), false)
  assert.equal(channel.closed, true)
})

test('a bounded map remembers the last entries, and at most twice as many', () => {
  const map = new BoundedMap<number, number>(10)
  for (let key = 0; key < 100; key++) {
    map.set(key, key)
    for (let recent = Math.max(0, key - 9); recent <= key; recent++) assert.equal(map.get(recent), recent)
    assert.equal(map.get(key - 20), undefined)
  }
  map.set(99, -1)
  assert.equal(map.get(99), -1)
})
