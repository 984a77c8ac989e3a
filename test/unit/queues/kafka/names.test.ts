import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupNames } from '../../../../src/queues/kafka/names.ts'

const names = groupNames('headwater.', 'raw-reviews')

test('leaves plain names readable', () => {
  assert.equal(names.toBroker('storage'), 'headwater.raw-reviews.storage')
  assert.equal(names.toBroker('replay-2_b'), 'headwater.raw-reviews.replay-2_b')
})

test('finds every group again by its name on the brokers', () => {
  for (const group of [
    'storage',
    'a.b',
    'Zoë’s tests',
    '鍵 🔑',
    '50% (of all)!',
    "it's*~",
    'x'.repeat(200),
  ]) {
    const id = names.toBroker(group)
    assert.match(id, /^[\w.%-]+$/)
    assert.equal(names.fromBroker(id), group)
  }
})

test('never gives two groups of any topics one name', () => {
  assert.notEqual(groupNames('p.', 'a').toBroker('b.c'), groupNames('p.', 'a.b').toBroker('c'))
  assert.notEqual(names.toBroker('a%2Eb'), names.toBroker('a.b'))
  assert.notEqual(names.toBroker('é'), names.toBroker('e\u0301'))
})

test('knows the groups of others as such', () => {
  for (const id of [
    '',
    'other',
    'headwater.raw-reviews.',
    'headwater.raw-reviews.a b',
    'headwater.raw-reviews.a.b',
  ])
    assert.equal(names.fromBroker(id), undefined, id)
  assert.equal(names.fromBroker('headwater.raw-reviews.%zz'), undefined)
  assert.equal(names.fromBroker('headwater.dead-letter-queue.storage'), undefined)
})
