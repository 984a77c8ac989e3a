import assert from 'node:assert/strict'
import { reviewHalf } from '../../src/review/key.ts'
import type { Scan, Store } from '../../src/stores/store.ts'
import { accepted, numbered, put, rejected, START } from '../support/records.ts'
import { all, keysOf, pages } from '../support/store-reads.ts'

/** One promise of a store: `reopen` opens another session on the same store. */
export type Promised = (store: Store, reopen: () => Promise<Store>) => Promise<void>
/** What not every store can tell. */
export type Optional = 'clusters' | 'deadLetterBytes'
export type Declare = (title: string, run: Promised, needs?: readonly Optional[]) => void

const CLUSTER = 'c'.repeat(16)

/** What every store promises of its scans. */
export function scanPromises(promise: Declare): void {
  promise('finds exactly the records of a product', async (store) => {
    const dead = rejected(900, CLUSTER, { product: 'P3' })
    const records = [...numbered(800), dead, rejected(901, CLUSTER)]
    await put(store, records.slice(0, 700))
    await put(store, records.slice(700))
    const expected = [...keysOf(numbered(800).filter((_, n) => n % 7 === 3)), dead.key]
    assert.deepEqual(
      keysOf(await all(store, { by: 'product', product: 'P3' })).toSorted(),
      expected.toSorted(),
    )
    assert.deepEqual(await all(store, { by: 'product', product: 'P' }), [])
    assert.deepEqual(await all(store, { by: 'product', product: '' }), [])
  })

  promise('finds exactly the dead letters of a cluster', async (store) => {
    const dead = Array.from({ length: 20 }, (_, n) => rejected(n, n % 4 === 0 ? CLUSTER : 'd'.repeat(16)))
    await put(store, [...dead, ...numbered(20, 100)])
    const expected = keysOf(dead.filter((_, n) => n % 4 === 0))
    assert.deepEqual(
      keysOf(await all(store, { by: 'cluster', cluster: CLUSTER })).toSorted(),
      expected.toSorted(),
    )
    assert.deepEqual(await all(store, { by: 'cluster', cluster: 'no cluster' }), [])
  })

  promise('finds the versions of a review in the order in which they were received', async (store) => {
    const version = (number: number, receivedAt: number) => accepted(number, { reviewId: '77', receivedAt })
    const versions = [version(1, START + 30), version(2, START + 10), version(3, START + 20)]
    await put(store, [...versions, accepted(4, { reviewId: '77', origin: 'elsewhere' }), ...numbered(10, 5)])
    const history = await all(store, { by: 'review', half: reviewHalf('shop', '"77"') })
    assert.deepEqual(
      history.map(({ received }) => received.receivedAt - START),
      [10, 20, 30],
    )
    assert.deepEqual(await all(store, { by: 'review', half: reviewHalf('shop', '"7"') }), [])
  })

  promise('narrows every scan by received time, the end excluded', async (store) => {
    const records = Array.from({ length: 600 }, (_, n) =>
      rejected(n, CLUSTER, { product: 'P', reviewId: 'R', receivedAt: START + n }),
    )
    await put(store, records)
    const window = { from: START + 100, to: START + 110 }
    const expected = keysOf(records.slice(100, 110))
    const scans: Scan[] = [
      { by: 'time', ...window },
      { by: 'product', product: 'P', ...window },
      { by: 'cluster', cluster: CLUSTER, ...window },
      { by: 'review', half: reviewHalf('shop', '"R"'), ...window },
    ]
    for (const scan of scans)
      assert.deepEqual(keysOf(await all(store, scan)).toSorted(), expected.toSorted(), scan.by)
    assert.deepEqual(await all(store, { by: 'time', from: START + 600 }), [])
    assert.deepEqual(await all(store, { by: 'time', to: START }), [])
  })

  promise('leaves out what `where` does not hold for', async (store) => {
    await put(store, numbered(300))
    const where = ({ received }: { received: { receivedAt: number } }) => received.receivedAt % 50_000 === 0
    assert.equal((await all(store, { by: 'time', where })).length, 6)
  })

  promise('gives pages no longer than asked for, without gap or overlap', async (store) => {
    await put(store, numbered(1_000))
    for (let n = 1_000; n < 1_030; n++) await put(store, [accepted(n)])
    for (const scan of [{ by: 'time' }, { by: 'product', product: 'P1' }] as const) {
      const whole = await all(store, scan)
      for (const pageSize of [1, 7, 100]) {
        const found = await pages(store, { ...scan, pageSize })
        assert.ok(found.every(({ records }) => records.length <= pageSize))
        assert.deepEqual(keysOf(found.flatMap(({ records }) => records)), keysOf(whole))
      }
    }
  })

  promise('goes on after any page in a new session, in the same order', async (store, reopen) => {
    await put(store, numbered(400, 0, { product: 'P' }))
    for (let n = 400; n < 420; n++)
      await put(store, [accepted(n, { product: 'P', reviewId: n % 2 ? 'R' : 'S' })])
    const scans: Scan[] = [
      { by: 'time', pageSize: 50 },
      { by: 'product', product: 'P', pageSize: 50 },
      { by: 'review', half: reviewHalf('shop', '"R"'), pageSize: 3 },
    ]
    for (const scan of scans) {
      const whole = await pages(store, scan)
      await using other = await reopen()
      for (const [n, { after }] of whole.entries()) {
        const rest = whole.slice(n + 1).flatMap(({ records }) => records)
        assert.deepEqual(keysOf(await all(other, { ...scan, after })), keysOf(rest), scan.by)
      }
    }
  })

  promise('misses nothing that was there before, while writing goes on', async (store) => {
    const before = [...numbered(900), ...numbered(200, 900)]
    await put(store, before.slice(0, 900))
    for (let n = 900; n < 1_100; n += 10) await put(store, before.slice(n, n + 10))
    let number = 2_000
    let isScanning = true
    const writing = (async () => {
      // A few at a time: the scan by time reads these too, and must overtake who writes them.
      for (; isScanning; number += 10) await put(store, numbered(10, number))
    })()
    for (const scan of [{ by: 'time' }, { by: 'product', product: 'P2' }] as const) {
      const found = new Set(keysOf(await all(store, { ...scan, pageSize: 50 })))
      const expected = before.filter((_, n) => scan.by === 'time' || n % 7 === 2)
      assert.ok(expected.every(({ key }) => found.has(key)))
    }
    isScanning = false
    await writing
    assert.equal((await all(store, { by: 'time' })).length, 1_100 + number - 2_000)
  })

  promise('ends with the reason of its signal when that aborts', async (store) => {
    await put(store, numbered(300))
    const stop = new AbortController()
    const reason = new Error('enough')
    const reading = (async () => {
      for await (const _ of store.scan({ by: 'time', pageSize: 10, signal: stop.signal })) stop.abort(reason)
    })()
    await assert.rejects(reading, reason)
    await assert.rejects(all(store, { by: 'time', signal: stop.signal }), reason)
  })

  promise('may be left in the middle, as often as one likes', async (store) => {
    await put(store, numbered(300))
    for (let n = 0; n < 300; n++) {
      for await (const { records } of store.scan({ by: 'time', pageSize: 1 })) {
        assert.equal(records.length, 1)
        break
      }
    }
    assert.equal((await all(store, { by: 'time' })).length, 300)
  })
}
