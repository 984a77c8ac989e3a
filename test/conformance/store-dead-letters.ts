import assert from 'node:assert/strict'
import { type Cluster, MOST_COUNTED, type Store } from '../../src/stores/store.ts'
import { accepted, acceptedVerdict, numbered, put, rejected, rejectedVerdict } from '../support/records.ts'
import { all } from '../support/store-reads.ts'
import type { Declare } from './store-scans.ts'

const A = 'a'.repeat(16)
const B = 'b'.repeat(16)

async function clustersOf(store: Store): Promise<Record<string, Cluster>> {
  const found = (await Array.fromAsync(store.clusters?.() ?? [])).map((one) => [one.cluster, one] as const)
  assert.equal(new Set(found.map(([cluster]) => cluster)).size, found.length, 'each cluster once')
  return Object.fromEntries(found)
}

const countsOf = (clusters: Readonly<Record<string, Cluster>>): Record<string, number> =>
  Object.fromEntries(Object.entries(clusters).map(([cluster, { count }]) => [cluster, count]))

/** What a store promises of its dead letters, as far as it can tell. */
export function deadLetterPromises(promise: Declare): void {
  promise(
    'lists every cluster with its count, its first and its last',
    async (store) => {
      const of = (cluster: string, first: number, count: number) =>
        Array.from({ length: count }, (_, n) => rejected(first + n, cluster))
      await put(store, [...numbered(20, 1_000), ...of(A, 0, 5)])
      await put(store, of(B, 100, 1))
      for (const record of of(A, 200, 3)) await put(store, [record])
      const clusters = await clustersOf(store)
      assert.deepEqual(countsOf(clusters), { [A]: 8, [B]: 1 })
      assert.equal(clusters[A]?.first.key, rejected(0, A).key)
      assert.equal(clusters[A]?.last.key, rejected(202, A).key)
      assert.equal(clusters[B]?.last.key, rejected(100, B).key)
    },
    ['clusters'],
  )

  promise(
    'leaves out of its cluster what was mended, discarded or erased',
    async (store) => {
      const letters = Array.from({ length: 4 }, (_, n) => rejected(n, A))
      const keys = letters.map(({ key }) => key)
      await put(store, letters)
      const discarded = { ...rejectedVerdict(A), discarded: { reason: 'a test', at: '2026-01-01T00:00:00Z' } }
      assert.ok(await store.amend(keys[0] ?? '', 0, acceptedVerdict('R0', 'P')))
      assert.ok(await store.amend(keys[1] ?? '', 0, discarded))
      await store.erase([keys[2] ?? ''])
      assert.deepEqual(countsOf(await clustersOf(store)), { [A]: 1 })
      assert.deepEqual(
        (await all(store, { by: 'cluster', cluster: A })).map(({ key }) => key),
        [keys[3]],
      )
      assert.ok(await store.amend(keys[3] ?? '', 0, acceptedVerdict('R3', 'P')))
      assert.deepEqual(await clustersOf(store), {})
    },
    ['clusters'],
  )

  promise(
    'counts a cluster to 10,000 and no further',
    async (store) => {
      await put(
        store,
        Array.from({ length: MOST_COUNTED + 5 }, (_, n) => rejected(n, A)),
      )
      assert.deepEqual(countsOf(await clustersOf(store)), { [A]: MOST_COUNTED })
    },
    ['clusters'],
  )

  promise(
    'tells how many bytes of raw its dead letters have, whatever becomes of them',
    async (store, reopen) => {
      const of = (bytes: number) => ({ raw: Buffer.alloc(bytes, '1') })
      const letters = [rejected(0, A, of(10)), rejected(1, A, of(200)), rejected(2, B, of(3_000))]
      const keys = letters.map(({ key }) => key)
      await put(store, [accepted(9, of(50_000)), ...letters])
      await put(store, letters)
      assert.equal(await store.deadLetterBytes?.(), 3_210)
      await store.amend(keys[0] ?? '', 0, acceptedVerdict('R0', 'P'))
      assert.equal(await store.deadLetterBytes?.(), 3_200)
      await store.amend(keys[0] ?? '', 1, rejectedVerdict(B))
      await store.erase([keys[2] ?? '', accepted(9).key])
      await using other = await reopen()
      assert.equal(await other.deadLetterBytes?.(), 210)
    },
    ['deadLetterBytes'],
  )
}
