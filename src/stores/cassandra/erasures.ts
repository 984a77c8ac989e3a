import { halfOf } from '../../review/key.ts'
import { inParallel } from '../../lib/parallel.ts'
import type { Options, Row, Session } from './connect.ts'
import { SHARDS, shardOf } from './paths.ts'
import { insertInto } from './pointers.ts'
import type { Places } from './row.ts'

/** What an erasure takes away besides the row, as far as it was written before `at`, in microseconds. */
export interface Erasure {
  readonly places: Places
  readonly at: bigint
}

/**
 * The erasures that are not finished. Parts and pointers go after the row, and nothing leads to them then: where that is cut off,
 * this says what is left.
 */
export interface Erasures {
  note(erasure: Erasure, options?: Options): Promise<void>
  /** Leaves the note of a later erasure of the same key. */
  forget(erasure: Erasure, options?: Options): Promise<void>
  all(options?: Options): Promise<readonly Erasure[]>
}

const COLUMNS = ['shard', 'key', 'at', 'received_at', 'product', 'cluster']

export function openErasures({ run }: Session): Erasures {
  return {
    async note({ places: { key, receivedAt, product, cluster }, at }, options) {
      const values = [shardOf(key), key, at, new Date(receivedAt), product ?? null, cluster ?? null]
      await run(`${insertInto('erasures', COLUMNS)} USING TIMESTAMP ?`, [...values, at], options)
    },
    async forget({ places: { key }, at }, options) {
      const query = 'DELETE FROM erasures USING TIMESTAMP ? WHERE shard = ? AND key = ?'
      await run(query, [at, shardOf(key), key], options)
    },
    async all(options) {
      const shards = Array.from({ length: SHARDS }, (_, shard) => shard)
      const query = `SELECT ${COLUMNS.join(', ')} FROM erasures WHERE shard = ?`
      const found = await inParallel(shards, (shard) => run(query, [shard], options))
      return found.flat().map(erasureOf)
    },
  }
}

function erasureOf(row: Row): Erasure {
  const key = row['key'] as string
  return {
    places: {
      key,
      receivedAt: (row['received_at'] as Date).getTime(),
      review: halfOf(key),
      product: (row['product'] as string | null) ?? undefined,
      cluster: (row['cluster'] as string | null) ?? undefined,
    },
    at: row['at'] as bigint,
  }
}
