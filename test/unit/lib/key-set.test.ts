import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createKeySet } from '../../../src/lib/key-set.ts'

const key = fc.stringMatching(/^[0-9a-f]{32}$/)
/** Keys that differ in one digit only, and so meet in one place of the table. */
const near = fc.tuple(fc.nat(31), fc.nat(15)).map(([at, digit]) => {
  const zeros = '0'.repeat(32)
  return zeros.slice(0, at) + digit.toString(16) + zeros.slice(at + 1)
})

test('finds exactly what was added, with its mark, and remembers the last ones', () => {
  const entries = fc.array(fc.tuple(fc.oneof(key, near), fc.nat(2)), { maxLength: 200 })
  fc.assert(
    fc.property(entries, fc.integer({ min: 1, max: 20 }), (added, capacity) => {
      const keys = createKeySet(capacity)
      const order: string[] = []
      for (const [text, mark] of added) {
        const name = `${text} ${mark}`
        assert.ok(!keys.has(text, mark) || order.includes(name), 'invented')
        keys.add(text, mark)
        if (order.includes(name)) order.splice(order.indexOf(name), 1)
        order.push(name)
        const recent = order.slice(-capacity)
        for (const [other, otherMark] of added) {
          const isKnown = keys.has(other, otherMark)
          if (!order.includes(`${other} ${otherMark}`)) assert.ok(!isKnown, 'invented')
        }
        // A key that is added again keeps its turn to be forgotten, so that only what was new is sure to be there.
        if (new Set(added.map(([one, its]) => `${one} ${its}`)).size === added.length)
          for (const one of recent)
            assert.ok(keys.has(one.slice(0, 32), Number(one.slice(33))), 'forgotten too soon')
      }
    }),
  )
})

test('forgets what is older than twice its capacity', () => {
  const keys = createKeySet(10)
  const nth = (n: number): string => n.toString(16).padStart(32, '0')
  for (let n = 0; n < 100; n++) keys.add(nth(n), 0)
  assert.equal(keys.has(nth(99), 0), true)
  assert.equal(keys.has(nth(79), 0), false)
})
