import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeTime } from '../../../../src/stores/cassandra/row.ts'

const LEAST_LONG = -(2n ** 63n)
const receivedAt = fc.integer({ min: 0, max: 4_102_444_800_000 })
const head = fc.uint8Array({ minLength: 1, maxLength: 50 }).map((bytes) => Buffer.from(bytes))

test('what was received earlier is written with a later time', () => {
  fc.assert(
    fc.property(receivedAt, receivedAt, head, head, (a, b, headA, headB) => {
      fc.pre(a < b)
      assert.ok(writeTime(a, headA) > writeTime(b, headB))
    }),
  )
})

test('a first write is earlier than anything of the clock, and one that a node takes', () => {
  fc.assert(
    fc.property(receivedAt, head, (at, bytes) => {
      const time = writeTime(at, bytes)
      // The deletion before it is one earlier.
      assert.ok(time <= 0n && time - 1n > LEAST_LONG)
    }),
  )
})

test('the same write has the same time, another one of the same moment has another', () => {
  const [a, b] = [Buffer.from('{"a":1'), Buffer.from('{"a":2')]
  assert.equal(writeTime(1_000, a), writeTime(1_000, Buffer.from(a)))
  assert.notEqual(writeTime(1_000, a), writeTime(1_000, b))
})
