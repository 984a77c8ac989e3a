import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'node:test'
import type { ApiParts } from '../../../src/console/api/parts.ts'
import { type Found, reviewRoutes } from '../../../src/console/api/reviews.ts'
import { reviewHalves } from '../../../src/review/key.ts'
import { createOrigins } from '../../../src/services/origins.ts'
import type { Scan } from '../../../src/stores/store.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'
import { accepted } from '../../support/records.ts'

test('a review is looked for in several of many origins at a time, and found wherever it is', async () => {
  const origins = Array.from({ length: 100 }, (_, n) => `shop-${n}`)
  const registry = createMemoryRegistry()
  await createOrigins(registry).note(origins)
  const rows = new Map(
    ['shop-3', 'shop-70'].map((origin, n) => {
      const row = { ...accepted(n, { origin, reviewId: 'R1' }), revision: 0 }
      return [row.key.slice(0, 16), row]
    }),
  )
  let [under, peak] = [0, 0]
  const scanned: string[] = []
  async function* scan({ half }: Extract<Scan, { by: 'review' }>) {
    scanned.push(half)
    peak = Math.max(peak, ++under)
    await nextTurn()
    const row = rows.get(half)
    if (row) yield { records: [row], after: '' }
    under--
  }
  const parts = { registry, store: { scan }, config: { sources: [] }, clock: Date.now } as unknown as ApiParts
  const list = reviewRoutes(parts).find(({ path }) => path === '/api/reviews')
  const asked = { query: { review: 'R1' }, signal: new AbortController().signal }
  const found = (await list?.handle(asked as Parameters<typeof list.handle>[0])) as Found
  assert.deepEqual(
    found.records.map(({ origin }) => origin),
    ['shop-70', 'shop-3'],
  )
  assert.deepEqual([found.looked, found.isComplete], [2, true])
  const halves = new Set(origins.flatMap((origin) => reviewHalves(origin, 'R1')))
  assert.deepEqual(new Set(scanned), halves)
  assert.equal(peak, 16)
})
