import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { behind, ENTRIES, headOf, marked, placeOf } from '../../../../src/stores/dynamodb/names.ts'

/** The order in which a list meets names: the table's order of the partitions that it goes through. */
function listed(names: readonly string[]): string[] {
  const partitions = new Map<string, Set<string>>()
  const add = (partition: string, name: string) =>
    partitions.set(partition, (partitions.get(partition) ?? new Set()).add(name))
  const marks = new Set<string>()
  for (const place of names.map(placeOf)) {
    add(place.partition, place.name)
    if (place.mark === undefined) continue
    add(ENTRIES, place.mark)
    marks.add(place.mark)
  }
  const inOrder = (partition: string) => [...(partitions.get(partition) ?? [])].toSorted(byBytes)
  return inOrder(ENTRIES).flatMap((name) =>
    marks.has(name) ? inOrder(behind(marked(name))).map((tail) => marked(name) + tail) : [name],
  )
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Names about the length where they are cut, of characters of one to four bytes, with long beginnings in common. */
const around = fc
  .tuple(
    fc.integer({ min: 985, max: 1_001 }),
    fc.string({
      unit: fc.constantFrom('a', 'b', '\u00fc', '\u20ac', '\uffff', '\u{1f600}', '\u{10ffff}'),
      maxLength: 12,
    }),
  )
  .map(([length, tail]) => 'x'.repeat(length) + tail)

test('long names are listed in the order of their bytes, among the short ones', () => {
  fc.assert(
    fc.property(fc.uniqueArray(around, { minLength: 2, maxLength: 40 }), (names) => {
      assert.deepEqual(listed(names), names.toSorted(byBytes))
    }),
    { numRuns: 500 },
  )
})

test('every part of a name fits where it lies', () => {
  for (const character of ['x', '\u00fc', '\u20ac', '\u{10ffff}']) {
    const name = character.repeat(1_500 / Buffer.byteLength(character))
    const { partition, name: tail, mark } = placeOf(name)
    assert.ok(Buffer.byteLength(partition) <= 2_048)
    assert.ok(Buffer.byteLength(tail) <= 1_024 && tail.length > 0)
    assert.ok(Buffer.byteLength(mark ?? '') <= 1_024)
    assert.equal(headOf(name) + tail, name)
  }
})
