import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { namesOf } from '../../../../src/queues/pubsub/names.ts'

const name = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
    fc.string({ minLength: 150 }),
  )
  .filter((text) => /^[\p{L}\p{N}][^\p{C}]{0,199}$/u.test(text) && text.isWellFormed())
const HOME = 'projects/p/subscriptions/'
const ID = /^(?!goog)[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}$/

test('gives every topic and group an id that the service takes', () => {
  fc.assert(
    fc.property(name, name, (topic, group) => {
      const names = namesOf('p', 'headwater-', topic)
      assert.match(names.topicId, ID)
      assert.match(names.subscription(group).slice(HOME.length), ID)
      assert.match(names.temporary('0'.repeat(36)).slice(HOME.length), ID)
    }),
  )
})

test('gives no two topics or groups one id', () => {
  fc.assert(
    fc.property(name, name, name, name, (topicA, groupA, topicB, groupB) => {
      const a = namesOf('p', 'headwater-', topicA)
      const b = namesOf('p', 'headwater-', topicB)
      assert.equal(a.topic === b.topic, topicA === topicB)
      const isSame = topicA === topicB && groupA === groupB
      assert.equal(a.subscription(groupA) === b.subscription(groupB), isSame)
      if (topicA !== topicB) assert.equal(b.groupOf(a.subscription(groupA)), undefined)
    }),
  )
})

test('knows the group of a subscription', () => {
  const names = namesOf('p', 'headwater-', 'raw-reviews')
  for (const group of ['storage', 'a.b', 'a b', 'Ж', 'x'.repeat(200)])
    assert.equal(names.groupOf(names.subscription(group)), group)
  assert.equal(names.groupOf(names.temporary('1')), undefined)
  assert.equal(names.groupOf(`${HOME}somebody-elses`), undefined)
})

test('leaves plain names readable', () => {
  const names = namesOf('p', 'headwater-', 'raw-reviews')
  assert.equal(names.topic, 'projects/p/topics/headwater-raw-reviews')
  assert.equal(names.subscription('storage'), `${HOME}headwater-raw-reviews.storage`)
  assert.equal(names.subscription('a b'), `${HOME}headwater-raw-reviews.a%20b`)
})

test('tells a group too long to be an id as it was cut', () => {
  const names = namesOf('p', 'headwater-', 'raw-reviews')
  const listed = names.groupOf(names.subscription('Ж'.repeat(200)))
  assert.match(listed ?? '', /^(?:%D0%96)+.*~[0-9a-f]{32}$/)
})
