import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mergePages, regroup } from '../../../src/stores/merging.ts'

interface Item {
  readonly order: number
  readonly stream: number
}

async function* pagesOf<T>(pages: readonly (readonly T[])[]): AsyncGenerator<readonly T[]> {
  yield* pages
}

const byOrder = (a: Item, b: Item): number => a.order - b.order

test('ordered streams become one in order, however they come in pages', async () => {
  const page = fc.array(fc.nat(20), { maxLength: 4 })
  const stream = fc.array(page, { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(fc.array(stream, { maxLength: 5 }), async (lengths) => {
      const streams = lengths.map((pages, number) => {
        const orders = pages.flat().toSorted((a, b) => a - b)
        return pages.map(({ length }) =>
          orders.splice(0, length).map((order): Item => ({ order, stream: number })),
        )
      })
      const found = (await Array.fromAsync(mergePages(streams.map(pagesOf), byOrder))).flat()
      assert.deepEqual(found, streams.flat(2).toSorted(byOrder))
    }),
    { numRuns: 500 },
  )
})

test('of streams that are merged none is read on before what was read of one is given out', async () => {
  const read: number[] = []
  async function* counted(number: number): AsyncGenerator<readonly number[]> {
    for (let first = number; ; first += 4) {
      read[number] = (read[number] ?? 0) + 1
      yield [first, first + 2]
    }
  }
  const merged = mergePages([counted(0), counted(1)], (a, b) => a - b)
  assert.deepEqual((await merged.next()).value, [0, 1, 2])
  assert.deepEqual(read, [1, 1])
  assert.deepEqual((await merged.next()).value, [3])
  assert.deepEqual(read, [2, 1])
})

test('groups of a size that changes meanwhile hold all items, once and in order', async () => {
  const pages = fc.array(fc.array(fc.nat(), { maxLength: 30 }), { maxLength: 8 })
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(pages, sizes, async (items, each) => {
      let size = 0
      const groups: (readonly number[])[] = []
      const next = (): number => (size = each[groups.length % each.length] ?? 1)
      for await (const group of regroup(pagesOf(items), next)) {
        groups.push(group)
        assert.ok(group.length > 0 && group.length <= size)
      }
      assert.deepEqual(groups.flat(), items.flat())
    }),
    { numRuns: 500 },
  )
})
