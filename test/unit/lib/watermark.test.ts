import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createWatermark } from '../../../src/lib/watermark.ts'

test('ends where the contiguous prefix ends, in whatever order ranges are settled', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(lengths, fc.nat(100), fc.infiniteStream(fc.nat()), (counts, start, order) => {
      const watermark = createWatermark(start)
      const ranges = toRanges(start, counts)
      const settled = new Set<number>()
      for (const { from, to } of shuffled(ranges, order)) {
        watermark.settle(from, to)
        settled.add(from)
        const open = ranges.find((range) => !settled.has(range.from))
        assert.equal(watermark.value, open?.from ?? ranges.at(-1)?.to)
      }
    }),
  )
})

test('takes a range that is settled twice for one', () => {
  const watermark = createWatermark(0)
  watermark.settle(2, 4)
  watermark.settle(2, 4)
  assert.equal(watermark.value, 0)
  watermark.settle(0, 2)
  watermark.settle(0, 2)
  watermark.settle(2, 4)
  assert.equal(watermark.value, 4)
})

test('takes no notice of an empty range', () => {
  const watermark = createWatermark(7)
  watermark.settle(7, 7)
  assert.equal(watermark.value, 7)
})

function toRanges(start: number, counts: readonly number[]) {
  let from = start
  return counts.map((count) => ({ from, to: (from += count) }))
}

function shuffled<T>(items: readonly T[], order: Iterator<number>): T[] {
  const rest = [...items]
  return items.flatMap(() => rest.splice(Number(order.next().value) % rest.length, 1))
}
