import { hash } from 'node:crypto'
import type { Places } from './row.ts'
import type { TableName } from './tables.ts'

/** A table of pointers to rows. */
export interface Path {
  readonly table: TableName
  /** The columns of its partitions. */
  readonly columns: readonly string[]
  /** The values of these columns. */
  readonly partition: (name: string, bucket: string, shard: number) => readonly unknown[]
  /** What a record is found under, where it is. */
  readonly nameOf: (places: Places) => string | undefined
  /** Where it is cut into buckets of time, and each bucket into shards: the table that lists, by name, those there are. */
  readonly list?: {
    readonly table: TableName
    readonly columns: readonly [name: string, bucket: string, shard: string]
    /** How much of an ISO date names a bucket. */
    readonly width: number
  }
}

export const PATHS = {
  time: {
    table: 'by_time',
    columns: ['hour', 'shard'],
    partition: (_, bucket, shard) => [bucket, shard],
    nameOf: () => 'time',
    list: { table: 'time_buckets', columns: ['path', 'hour', 'shard'], width: '2026-01-01T00'.length },
  },
  product: {
    table: 'by_product',
    columns: ['product', 'month', 'shard'],
    partition: (name, bucket, shard) => [name, bucket, shard],
    nameOf: ({ product }) => nameFor(product),
    list: { table: 'product_buckets', columns: ['product', 'month', 'shard'], width: '2026-01'.length },
  },
  cluster: {
    table: 'by_cluster',
    columns: ['cluster', 'day', 'shard'],
    partition: (name, bucket, shard) => [name, bucket, shard],
    nameOf: ({ cluster }) => nameFor(cluster),
    list: { table: 'cluster_buckets', columns: ['cluster', 'day', 'shard'], width: '2026-01-01'.length },
  },
  review: {
    table: 'by_review',
    columns: ['review'],
    partition: (name) => [name],
    nameOf: ({ review }) => review,
  },
} as const satisfies Record<string, Path>

const MOST_NAME_BYTES = 1_024

/** A partition can't be named by nothing, or by more than 64 KiB: such names are digested. */
export function nameFor(text: string): string
export function nameFor(text: string | undefined): string | undefined
export function nameFor(text: string | undefined): string | undefined {
  if (text === undefined || (text !== '' && Buffer.byteLength(text) <= MOST_NAME_BYTES)) return text
  return `sha256:${hash('sha256', text, 'hex')}`
}

const EARLIEST = Date.parse('0000-01-01T00:00:00Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')

/** The bucket of a time. What lies outside of the years that four digits write is in the first or last one. */
export function bucketOf(width: number, ms: number): string {
  return new Date(Math.min(Math.max(ms, EARLIEST), LATEST)).toISOString().slice(0, width)
}

/** Over so many partitions a bucket is spread: one for each value of a digit. */
export const SHARDS = 16

/** The last digit of the key. */
export const shardOf = (key: string): number => Number.parseInt(key.slice(-1), SHARDS)
