import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createNames, slotOf } from '../../../../src/queues/rabbitmq/names.ts'

test('computes the slot that zlib.crc32(key.encode()) % 64 gives in Python', () => {
  const slots = { B07: '0', ключ: '26', 鍵: '56', '🔑': '58', '': '0' }
  for (const [key, slot] of Object.entries(slots)) assert.equal(slotOf(key), slot, key)
})

test('names what is plain after itself', () => {
  const names = createNames('headwater.', 'raw-reviews', 2)
  assert.equal(names.topic, 'headwater.raw-reviews')
  assert.deepEqual(names.group('storage'), {
    group: 'storage',
    exchange: 'headwater.raw-reviews.storage',
    queues: ['headwater.raw-reviews.storage.0', 'headwater.raw-reviews.storage.1'],
    readers: 'headwater.raw-reviews.storage.readers',
  })
})

test('gives no two groups of any topics the same name, and none that is too long', () => {
  const long = '鍵'.repeat(199)
  const groups = ['a', 'A', 'a.b', 'a%2Eb', 'a b', 'a~b', '鍵', `${long}1`, `${long}2`, 'x'.repeat(200)]
  const topics = ['t', 't.a', 'x'.repeat(199)]
  const exchanges = topics.flatMap((topic) =>
    groups.map((group) => createNames('p'.repeat(50), topic, 64).group(group)),
  )
  assert.equal(new Set(exchanges.map(({ exchange }) => exchange)).size, topics.length * groups.length)
  for (const { queues, readers } of exchanges)
    for (const name of [...queues, readers]) assert.ok(Buffer.byteLength(name) <= 255, name)
})
