import { findableBy } from '../../review/verdict.ts'
import { type Cluster, MOST_COUNTED } from '../store.ts'
import type { Rows } from './rows.ts'
import { digestIn, encodePointer, pointedTo, readState, type StoreEnvironment } from './tables.ts'

/** Jumps through the index from cluster to cluster, and reads two rows of each. */
export async function* clustersIn(
  { tables, refresh }: StoreEnvironment,
  rows: Rows,
  signal?: AbortSignal,
): AsyncGenerator<Cluster> {
  refresh()
  const { next } = readState(tables)
  for (let from = Buffer.alloc(1); ; ) {
    signal?.throwIfAborted()
    const [start] = tables.clusters.getKeys({ start: from, limit: 1 })
    if (start === undefined) return
    const digest = digestIn(start)
    const end = encodePointer(digest, next)
    const pointers = Array.from(tables.clusters.getKeys({ start, end, limit: MOST_COUNTED }))
    const [latest = start] = tables.clusters.getKeys({ start: end, end: start, reverse: true, limit: 1 })
    const [first, last] = [await rows.read(pointedTo(start)), await rows.read(pointedTo(latest))]
    const cluster = first && findableBy(first.verdict).cluster
    // What was mended since the index was read is in no cluster.
    if (first && last && cluster !== undefined) yield { cluster, count: pointers.length, first, last }
    from = Buffer.concat([encodePointer(digest, 2 ** 48 - 1), Buffer.alloc(1)])
  }
}
