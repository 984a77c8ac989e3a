import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { difference } from '../../../src/console/page/reviews/difference.ts'

const without = (kind: string, before: string, after: string): string =>
  difference(before, after)
    .filter((part) => part.kind !== kind)
    .map(({ text }) => text)
    .join('')

const texts = fc
  .array(fc.constantFrom('a', 'b', 'c', ' ', '\n', 'é'), { maxLength: 40 })
  .map((all) => all.join(''))

describe('the difference of two texts', () => {
  test('holds both of them in full', () => {
    fc.assert(
      fc.property(texts, texts, (before, after) => {
        assert.equal(without('new', before, after), before)
        assert.equal(without('gone', before, after), after)
      }),
    )
  })

  test('is by words', () => {
    assert.deepEqual(difference('It works well', 'It worked well'), [
      { kind: 'same', text: 'It ' },
      { kind: 'gone', text: 'works' },
      { kind: 'new', text: 'worked' },
      { kind: 'same', text: ' well' },
    ])
  })

  test('of very long texts is all of the one and all of the other, at once', () => {
    const [before, after] = ['a b '.repeat(20_000), 'a c '.repeat(20_000)]
    assert.deepEqual(
      difference(before, after).map(({ kind }) => kind),
      ['gone', 'new'],
    )
  })
})
