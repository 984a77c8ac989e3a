import { findableBy } from '../../review/verdict.ts'
import { type Cluster, MOST_COUNTED, type Stored } from '../store.ts'
import { behind, digestIn, lastPointer, pointersFrom } from './pointers.ts'
import type { Rows } from './rows.ts'
import { readState, type StoreEnvironment } from './tables.ts'

/** Jumps through the index from cluster to cluster, and reads two rows of each. */
export async function* clustersIn(
  { tables, refresh }: StoreEnvironment,
  rows: Rows,
  signal?: AbortSignal,
): AsyncGenerator<Cluster> {
  refresh()
  const { next } = readState(tables)
  for (let from: Buffer = Buffer.alloc(1); ; ) {
    signal?.throwIfAborted()
    const [start] = tables.clusters.getKeys({ start: from, limit: 1 })
    if (start === undefined) return
    const digest = digestIn(start)
    const [count, earliest] = counted(pointersFrom(tables.clusters, digest, 0, next))
    const latest = lastPointer(tables.clusters, digest, next)
    const [first, last] = [await read(earliest), await read(latest)]
    const cluster = first && findableBy(first.verdict).cluster
    // What was mended since the index was read is in no cluster.
    if (first && last && cluster !== undefined) yield { cluster, count, first, last }
    from = behind(digest)
  }

  async function read(row: number | undefined): Promise<Stored | undefined> {
    return row === undefined ? undefined : rows.read(row)
  }
}

/** How many there are, as far as anybody counts, and the first of them. */
function counted(pointers: Iterable<number>): readonly [number, number | undefined] {
  let count = 0
  let first: number | undefined
  for (const row of pointers) {
    first ??= row
    if (++count === MOST_COUNTED) break
  }
  return [count, first]
}
