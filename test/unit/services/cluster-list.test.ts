import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClusterList } from '../../../src/services/cluster-list.ts'
import type { Cluster, Stored } from '../../../src/stores/store.ts'
import { rejected } from '../../support/records.ts'

const signal = new AbortController().signal

const letter = (n: number, raw: Buffer): Stored => ({
  ...rejected(n, `c${n}`, { raw }),
  revision: 0,
  rawHash: '',
})

/** A store with a cluster for each of these letters. */
function storeOf(letters: readonly Stored[]) {
  return {
    async *clusters(): AsyncGenerator<Cluster> {
      for (const [n, each] of letters.entries())
        yield { cluster: `c${n}`, count: n + 1, first: each, last: each }
    },
  }
}

test('the list of clusters holds little, however large their letters are', async () => {
  const large = Buffer.alloc(1_000_000, 'x')
  const letters = Array.from({ length: 20 }, (_, n) => letter(n, large))
  const list = createClusterList(storeOf(letters), { clock: () => 0, signal })
  const { clusters } = await list.count()
  assert.equal(clusters.length, 20)
  assert.equal(clusters[0]?.count, 20)
  for (const { first, last } of clusters)
    assert.deepEqual([first.received.raw.length, last.received.raw.length], [0, 0])
})

test('the list of clusters keeps a small first letter whole, so that its value can be told', async () => {
  const raw = Buffer.from('{"rating":"4.0 out of 5 stars"}')
  const block = Buffer.concat([raw, Buffer.alloc(1_000_000)])
  const list = createClusterList(storeOf([letter(1, block.subarray(0, raw.length))]), {
    clock: () => 0,
    signal,
  })
  const { clusters } = await list.count()
  const kept = clusters[0]?.first.received.raw
  assert.deepEqual(kept, raw)
  assert.ok(kept.buffer.byteLength < block.length, 'nothing around it is kept with it')
})
