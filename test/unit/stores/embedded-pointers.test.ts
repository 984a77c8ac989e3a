import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { openEnvironment } from '../../../src/stores/embedded/environment.ts'
import {
  addPointers,
  digest,
  isPointedTo,
  lastPointer,
  pointersFrom,
  removePointer,
} from '../../../src/stores/embedded/pointers.ts'
import { layout } from '../../../src/stores/embedded/tables.ts'
import { temporaryFolder } from '../../support/temp.ts'

/** About the ends of spans, and anywhere. */
const row = fc.oneof(fc.constantFrom(0, 1, 4_095, 4_096, 4_097, 8_191, 8_192), fc.nat(100_000))
const change = fc.record({
  text: fc.constantFrom('B1', 'B2'),
  remove: fc.boolean(),
  rows: fc.uniqueArray(row, { minLength: 1, maxLength: 20 }),
})

test('an index leads to the rows that were added and not removed, in their order, from anywhere', async () => {
  await using folder = await temporaryFolder()
  await using environment = await openEnvironment(join(folder.path, 'store'), layout)
  const { tables, write } = environment
  const changes = fc.array(change, { maxLength: 10 })
  await fc.assert(
    fc.asyncProperty(changes, row, row, async (all, from, end) => {
      const expected = { B1: new Set<number>(), B2: new Set<number>() }
      await write(() => {
        tables.products.clearSync()
        for (const { text, remove, rows } of all) {
          const known = expected[text]
          if (!remove) {
            addPointers(tables.products, digest(text), rows.toSorted(ascending))
            for (const some of rows) known.add(some)
            continue
          }
          for (const some of rows) {
            removePointer(tables.products, digest(text), some)
            known.delete(some)
          }
        }
      })
      for (const [text, known] of Object.entries(expected)) {
        const wanted = Array.from(known).filter((some) => some >= from && some < end)
        const found = Array.from(pointersFrom(tables.products, digest(text), from, end))
        assert.deepEqual(found, wanted.toSorted(ascending))
        const below = Array.from(known).filter((some) => some < end)
        assert.equal(lastPointer(tables.products, digest(text), end), below.toSorted(ascending).at(-1))
        assert.equal(isPointedTo(tables.products, digest(text), from), known.has(from))
      }
      const left = expected.B1.size + expected.B2.size
      assert.equal(tables.products.getKeysCount() === 0, left === 0)
    }),
    { numRuns: 300 },
  )
})

const ascending = (a: number, b: number): number => a - b
