import { mergePages } from '../merging.ts'
import type { Options, Session } from './connect.ts'
import { conditions } from './pointers.ts'
import type { Path } from './paths.ts'
import { bucketOf, SHARDS } from './paths.ts'

/** Where in a path of pointers: they are in the order of their time, and of their keys where that is the same. */
export interface Position {
  readonly receivedAt: number
  readonly key: string
}

export interface Range extends Options {
  /** Milliseconds; the end is excluded. */
  readonly from: number
  readonly to: number
  readonly after?: Position | undefined
  /** How many are wanted soon. */
  readonly pageSize: number
}

const MOST_BUCKETS = 1_000
const LEAST_ROWS = 10
/** All that Date can say. */
const END_OF_TIME = 8.64e15
/** A walk that is as long as this looks where its end is, lest it never comes there because more is written all the time. */
const LONG_WALK = 1_000

/**
 * Follows the pointers under one name: bucket after bucket, and the shards of a bucket together, in order. It ends, and misses
 * nothing that was there when it began, also while more is written.
 */
export async function* walk(
  session: Session,
  path: Path,
  name: string,
  range: Range,
): AsyncGenerator<readonly Position[]> {
  let walked = 0
  let end: Position | undefined
  for await (const some of endless(session, path, name, range)) {
    walked += some.length
    if (walked >= LONG_WALK) end ??= await lastUnder(session, path, name, range)
    const last = end
    const before = last ? some.filter((position) => comparePositions(position, last) <= 0) : some
    yield before
    if (before.length < some.length) return
  }
}

async function* endless(
  session: Session,
  path: Path,
  name: string,
  range: Range,
): AsyncGenerator<readonly Position[]> {
  if (!path.list)
    return yield* partitionRows(session, path, path.partition(name, '', 0), range, range.pageSize)
  for await (const { bucket, shards } of bucketsOf(session, path, name, range)) {
    const rows = Math.max(LEAST_ROWS, Math.ceil((2 * range.pageSize) / shards.length))
    const streams = shards.map((shard) =>
      partitionRows(session, path, path.partition(name, bucket, shard), range, rows),
    )
    yield* mergePages(streams, comparePositions)
  }
}

async function lastUnder(
  session: Session,
  path: Path,
  name: string,
  { signal }: Options,
): Promise<Position | undefined> {
  for await (const [position] of walkBack(session, path, name, { signal })) if (position) return position
  return undefined
}

/** From the end on: the last pointers of each shard, and no more of them, bucket before bucket. */
export async function* walkBack(
  session: Session,
  path: Path,
  name: string,
  options: Options,
): AsyncGenerator<readonly Position[]> {
  const query =
    `SELECT received_at, key FROM ${path.table} WHERE ${conditions(path.columns)} ` +
    `ORDER BY received_at DESC, key DESC LIMIT ${LEAST_ROWS}`
  for await (const { bucket, shards } of bucketsBack(session, path, name, options)) {
    const found = await Promise.all(
      shards.map((shard) => session.run(query, path.partition(name, bucket, shard), options)),
    )
    yield found
      .flat()
      .map(positionOf)
      .toSorted((a, b) => comparePositions(b, a))
  }
}

async function* bucketsBack(
  session: Session,
  { list }: Path,
  name: string,
  options: Options,
): AsyncGenerator<Bucket> {
  if (!list) return yield { bucket: '', shards: [0] }
  const [nameColumn, bucketColumn, shardColumn] = list.columns
  const select = (what: string): string => `SELECT ${what} FROM ${list.table} WHERE ${nameColumn} = ?`
  const lastBefore =
    `${select(bucketColumn)} AND ${bucketColumn} < ? ` +
    `ORDER BY ${bucketColumn} DESC, ${shardColumn} DESC LIMIT 1`
  const shardsOf = `${select(shardColumn)} AND ${bucketColumn} = ?`
  for (let before = BEHIND_ALL; ; ) {
    const [last] = await session.run(lastBefore, [name, before], options)
    if (!last) return
    before = last[bucketColumn] as string
    const rows = await session.run(shardsOf, [name, before], options)
    yield { bucket: before, shards: rows.map((row) => Number(row[shardColumn])) }
  }
}

/** Sorts behind every date. */
const BEHIND_ALL = '~'

interface Bucket {
  readonly bucket: string
  readonly shards: readonly number[]
}

/** The buckets in which there is, or was, something. */
async function* bucketsOf(
  session: Session,
  { list }: Path,
  name: string,
  { from, to, after, signal }: Range,
): AsyncGenerator<Bucket> {
  if (!list) return
  const [nameColumn, bucketColumn, shardColumn] = list.columns
  const query =
    `SELECT ${bucketColumn}, ${shardColumn} FROM ${list.table} WHERE ${nameColumn} = ? ` +
    `AND (${bucketColumn}, ${shardColumn}) > (?, ?) AND (${bucketColumn}) <= (?) LIMIT ${MOST_BUCKETS}`
  const last = bucketOf(list.width, to)
  let at: readonly [string, number] = [bucketOf(list.width, Math.max(from, after?.receivedAt ?? from)), -1]
  for (;;) {
    const rows = await session.run(query, [name, ...at, last], { signal })
    const groups = Map.groupBy(rows, (row) => row[bucketColumn] as string)
    const isLast = rows.length < MOST_BUCKETS
    const found = [...groups].map(([bucket, of]) => ({
      bucket,
      shards: of.map((row) => Number(row[shardColumn])),
    }))
    // The last bucket of a full answer may lack shards: it is asked for again.
    const whole = isLast ? found : found.slice(0, -1)
    yield* whole
    if (isLast) return
    at = [whole.at(-1)?.bucket ?? '', SHARDS]
  }
}

/** The pointers of one partition, page by page. */
async function* partitionRows(
  session: Session,
  { table, columns }: Path,
  partition: readonly unknown[],
  { from, to, after, signal }: Range,
  rows: number,
): AsyncGenerator<readonly Position[]> {
  const query =
    `SELECT received_at, key FROM ${table} WHERE ${conditions(columns)} ` +
    'AND (received_at, key) > (?, ?) AND (received_at) < (?) LIMIT ?'
  const end = new Date(Math.min(Math.ceil(to), END_OF_TIME))
  let position =
    after && after.receivedAt >= from ? after : { receivedAt: Math.max(from, -END_OF_TIME), key: '' }
  for (;;) {
    const params = [...partition, new Date(position.receivedAt), position.key, end, rows]
    const page = (await session.run(query, params, { signal })).map(positionOf)
    yield page
    const last = page.at(-1)
    if (!last || page.length < rows) return
    position = last
  }
}

function positionOf(row: Readonly<Record<string, unknown>>): Position {
  return { receivedAt: (row['received_at'] as Date).getTime(), key: row['key'] as string }
}

export function comparePositions(a: Position, b: Position): number {
  return a.receivedAt - b.receivedAt || (a.key < b.key ? -1 : Number(a.key > b.key))
}
