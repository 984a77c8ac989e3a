/** The columns of every table and its primary key. What `provision` makes, and `open` wants to find. */
export const TABLES = {
  /** One row a record, found by its key alone. */
  reviews: {
    key: 'text',
    format: 'int',
    received_at: 'timestamp',
    stored_at: 'timestamp',
    origin: 'text',
    source: 'text',
    kind: 'text',
    context: 'text',
    raw: 'blob',
    raw_size: 'int',
    raw_hash: 'text',
    parts: 'bigint',
    ledger_run: 'text',
    ledger_seq: 'bigint',
    revision: 'int',
    amendment: 'uuid',
    verdict: 'text',
    verdict_parts: 'bigint',
    status: 'text',
    code: 'text',
    error: 'text',
    cluster: 'text',
    discarded: 'text',
    preset: 'text',
    review_schema: 'text',
    product_id: 'text',
    review_id: 'text',
    user_id: 'text',
    rating: 'double',
    title: 'text',
    review_text: 'text',
    review_timestamp: 'timestamp',
    verified_purchase: 'boolean',
    helpful_votes: 'bigint',
    vine: 'boolean',
    images: 'frozen<list<text>>',
    videos: 'frozen<list<text>>',
    reviewer_name: 'text',
    marketplace: 'text',
    country: 'text',
    language: 'text',
    variant: 'text',
    product_title: 'text',
    review_url: 'text',
    primary: 'key',
  },
  /** What is too large for a row: compressed, and cut. */
  parts: {
    key: 'text',
    version: 'bigint',
    name: 'text',
    part: 'int',
    count: 'int',
    data: 'blob',
    primary: 'key, version, name, part',
  },
  /** Erasures that are under way, or were cut off, spread over shards. */
  erasures: {
    shard: 'int',
    key: 'text',
    at: 'bigint',
    received_at: 'timestamp',
    product: 'text',
    cluster: 'text',
    primary: 'shard, key',
  },
  by_review: {
    review: 'text',
    received_at: 'timestamp',
    key: 'text',
    primary: 'review, received_at, key',
  },
  by_time: {
    hour: 'text',
    shard: 'int',
    received_at: 'timestamp',
    key: 'text',
    primary: '(hour, shard), received_at, key',
  },
  by_product: {
    product: 'text',
    month: 'text',
    shard: 'int',
    received_at: 'timestamp',
    key: 'text',
    primary: '(product, month, shard), received_at, key',
  },
  by_cluster: {
    cluster: 'text',
    day: 'text',
    shard: 'int',
    received_at: 'timestamp',
    key: 'text',
    primary: '(cluster, day, shard), received_at, key',
  },
  /** Which partitions of the three tables above there are. */
  time_buckets: { path: 'text', hour: 'text', shard: 'int', primary: 'path, hour, shard' },
  product_buckets: { product: 'text', month: 'text', shard: 'int', primary: 'product, month, shard' },
  cluster_buckets: { cluster: 'text', day: 'text', shard: 'int', primary: 'cluster, day, shard' },
  registry: { name: 'text', value: 'blob', revision: 'bigint', primary: 'name' },
  /** The names in their order, spread over shards. */
  registry_names: { shard: 'int', name: 'text', primary: 'shard, name' },
} as const satisfies Record<string, Readonly<Record<string, string>> & { readonly primary: string }>

export type TableName = keyof typeof TABLES

const NAMES = Object.keys(TABLES) as readonly TableName[]
const isOfRegistry = (name: TableName): boolean => name.startsWith('registry')

/** A store's tables, and a registry's. */
export const STORE_TABLES: readonly TableName[] = NAMES.filter((name) => !isOfRegistry(name))
export const REGISTRY_TABLES: readonly TableName[] = NAMES.filter(isOfRegistry)

/** Rows compress well, with much in them twice; what is in parts was compressed before. */
const COMPRESSION: Partial<Record<TableName, string>> = {
  reviews: "{ 'class': 'ZstdCompressor' }",
  parts: "{ 'enabled': false }",
}

/**
 * How long deletions are kept, where they are many, and one that is forgotten does no harm: a pointer that comes back leads to
 * nothing, an erasure is finished again. Hints live no longer either; of pointers, as long as they do by default.
 */
export const GRACE_SECONDS: Partial<Record<TableName, number>> = {
  by_time: 3 * 60 * 60,
  by_product: 3 * 60 * 60,
  by_cluster: 3 * 60 * 60,
  erasures: 0,
}

export function createTable(keyspace: string, name: TableName): string {
  const { primary, ...columns } = TABLES[name]
  const lines = Object.entries(columns).map(([column, type]) => `${column} ${type}`)
  const compression = COMPRESSION[name]
  const grace = GRACE_SECONDS[name]
  const options = [
    ...(compression === undefined ? [] : [`compression = ${compression}`]),
    ...(grace === undefined ? [] : [`gc_grace_seconds = ${grace}`]),
  ]
  return (
    `CREATE TABLE IF NOT EXISTS ${keyspace}.${name} (${lines.join(', ')}, PRIMARY KEY (${primary}))` +
    (options.length === 0 ? '' : ` WITH ${options.join(' AND ')}`)
  )
}
