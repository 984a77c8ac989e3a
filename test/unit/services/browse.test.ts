import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HeadwaterError } from '../../../src/errors.ts'
import { type Browsed, createBrowser } from '../../../src/services/browse.ts'
import type { Page, Scan, Stored } from '../../../src/stores/store.ts'
import { isSelected } from '../../../src/stores/selected.ts'
import { accepted } from '../../support/records.ts'

const NOW = Date.UTC(2026, 5, 1)
const signal = new AbortController().signal
const clock = (): number => NOW

const tell = (row: Stored): Stored => row

/** A store of so many records as there are times, in the order of their arrival. */
function storeOf(times: readonly number[]) {
  const rows = times.map((receivedAt, n): Stored => {
    return { ...accepted(n, { receivedAt }), revision: 0, rawHash: '' }
  })
  let scans = 0
  async function* scan(scan: Scan): AsyncGenerator<Page> {
    scans++
    const { pageSize = 500 } = scan
    for (let at = 0; at < rows.length; at += pageSize) {
      const records = rows.slice(at, at + pageSize).filter((row) => isSelected(row, scan))
      yield { records, after: String(at) }
    }
  }
  return { scan, rows, scans: () => scans }
}

const newestFirst = (rows: readonly Stored[]): readonly string[] =>
  rows
    .toSorted((a, b) => b.received.receivedAt - a.received.receivedAt || (a.key < b.key ? 1 : -1))
    .map(({ key }) => key)

/** Pages until the end, and the keys that they told. */
async function all(
  page: (after: string | undefined) => Promise<Browsed<Stored>>,
): Promise<{ keys: string[]; pages: Browsed<Stored>[] }> {
  const pages: Browsed<Stored>[] = []
  for (let after: string | undefined; ; ) {
    const found = await page(after)
    pages.push(found)
    after = found.after
    if (after === undefined)
      return { pages, keys: pages.flatMap(({ records }) => records.map(({ key }) => key)) }
    assert.ok(pages.length < 10_000, 'it comes to an end')
  }
}

/** Bursts at one moment, crowds within seconds, and single ones within years. */
const times = fc
  .array(
    fc.record({
      at: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 5 * 365 * 86_400_000 })),
      count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3_000 })),
      apartMs: fc.constantFrom(0, 1, 20),
    }),
    { maxLength: 6 },
  )
  .map((crowds) =>
    crowds.flatMap(({ at, count, apartMs }) =>
      Array.from({ length: count }, (_, n) => NOW - at + n * apartMs),
    ),
  )

describe('a list of the newest', () => {
  test('tells every record once, the newest first, however they lie in time', async () => {
    await fc.assert(
      fc.asyncProperty(
        times,
        fc.integer({ min: 1, max: 700 }),
        fc.boolean(),
        async (at, limit, isPatient) => {
          const store = storeOf(at)
          const browse = createBrowser(store, { tell, clock, steady: () => 0, patienceMs: isPatient ? 1 : 0 })
          const where = (): boolean => true
          const { keys } = await all((after) => browse({ by: { by: 'time' }, where, limit, after, signal }))
          assert.deepEqual(keys, newestFirst(store.rows))
        },
      ),
      { numRuns: 30 },
    )
  })

  test('tells what a filter and a range of time leave of them', async () => {
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 0, max: 4_000 }), async (at, ago) => {
        const store = storeOf(at)
        const browse = createBrowser(store, { tell, clock, steady: () => 0, patienceMs: 1 })
        const [from, to] = [NOW - 2 * ago, NOW - ago / 2]
        const where = ({ received }: Stored): boolean => received.receivedAt % 3 === 0
        const by = { by: 'time' } as const
        const { keys } = await all((after) => browse({ by, from, to, where, limit: 50, after, signal }))
        const left = store.rows.filter(
          (row) => where(row) && row.received.receivedAt >= from && row.received.receivedAt < to,
        )
        assert.deepEqual(keys, newestFirst(left))
      }),
      { numRuns: 30 },
    )
  })

  test('says where it stopped, and that there may be more, once its patience is at its end', async () => {
    const store = storeOf(Array.from({ length: 20_000 }, (_, n) => NOW - n * 1_000))
    let ms = 0
    const browse = createBrowser(store, { tell, clock, steady: () => ms++, patienceMs: 3 })
    const where = ({ key }: Stored): boolean => key === store.rows.at(-1)?.key
    const by = { by: 'time' } as const
    const first = await browse({ by, where, limit: 10, signal })
    assert.deepEqual([first.records.length, first.isComplete], [0, false])
    assert.ok(first.looked > 0 && first.looked < 20_000, `looked at ${first.looked}`)
    const { pages, keys } = await all((after) => browse({ by, where, limit: 10, after, signal }))
    assert.deepEqual(keys, [store.rows.at(-1)?.key])
    assert.equal(pages.at(-1)?.isComplete, true)
  })

  test('looks at few records of many, also where all came within a minute some months ago', async () => {
    const store = storeOf(
      Array.from({ length: 100_000 }, (_, n) => NOW - 90 * 86_400_000 + Math.floor(n / 2)),
    )
    const browse = createBrowser(store, { tell, clock, steady: () => 0 })
    const newest = { by: { by: 'time' }, where: () => true, limit: 50, signal } as const
    const first = await browse(newest)
    assert.equal(first.records.length, 50)
    const again = await browse(newest)
    assert.deepEqual(again.records, first.records)
    assert.ok(again.looked <= 10_000, `looked at ${again.looked} where it knew where they begin`)
  })

  test('is not empty where much came since it was asked for last', async () => {
    const times = Array.from({ length: 6_000 }, (_, n) => NOW - 120_000 + n * 20)
    const store = storeOf(times)
    let [ms, now] = [0, NOW - 60_000]
    async function* slowly(scan: Scan): AsyncGenerator<Page> {
      const where = (row: Stored): boolean => row.received.receivedAt <= now && (scan.where?.(row) ?? true)
      for await (const page of store.scan({ ...scan, where })) {
        if (page.records.length > 0) ms += 10
        yield page
      }
    }
    const browse = createBrowser(
      { scan: slowly },
      { tell, clock: () => now, steady: () => ms, patienceMs: 50 },
    )
    const newest = { by: { by: 'time' }, where: () => true, limit: 50, signal } as const
    assert.equal((await browse(newest)).records.length, 50)
    now = NOW
    const later = await browse(newest)
    assert.deepEqual(
      later.records.map(({ key }) => key),
      newestFirst(store.rows).slice(0, 50),
    )
  })

  test('holds what is told of the newest, and not the records that it looks at', async () => {
    const store = storeOf(Array.from({ length: 1_500 }, (_, n) => NOW - n))
    const told: string[] = []
    const toldOf = ({ key }: Stored): string => {
      told.push(key)
      return key
    }
    const browse = createBrowser(store, { tell: toldOf, clock, steady: () => 0 })
    const { records } = await browse({ by: { by: 'time' }, where: () => true, limit: 10, signal })
    assert.deepEqual(records, newestFirst(store.rows).slice(0, 10))
    assert.ok(told.length <= 40, `${told.length} of 1,500 were told to find 10`)
  })

  test('refuses a position that it has not given', async () => {
    const browse = createBrowser(storeOf([NOW]), { tell, clock, steady: () => 0 })
    const by = { by: 'time' } as const
    await assert.rejects(
      browse({ by, where: () => true, limit: 1, after: 'x', signal }),
      (error) => error instanceof HeadwaterError && error.code === 'POSITION_UNKNOWN',
    )
  })
})
