import { HeadwaterError } from '../../errors.ts'
import { gatherSteps, PAGE_RECORDS, type Step } from '../gathering.ts'
import { regroup } from '../merging.ts'
import type { Page, Scan } from '../store.ts'
import { MOST_READ, queryPages } from './batches.ts'
import type { Session } from './connect.ts'
import { merged } from './merge.ts'
import { notedIn } from './notes.ts'
import { dayIn, isArrived, keyIn, partitionOf, sortableTime } from './placing.ts'
import { decodePlain, decodeRow, getRows, keyOf, type Layout } from './row.ts'
import type { Index } from './tables.ts'
import { MOST_ITEM_BYTES } from './spill.ts'
import { type Item, textIn } from './values.ts'

/** No row sorts behind it. */
const END = '~'

/** So many rows are read at a time where they take no more than so much each, on average. */
const MOST_SMALL = 500
const SMALL_BYTES = 16 * 1024

/** Where a scan begins and ends, as rows sort. */
export interface Range {
  readonly from: string
  readonly to: string
}

/** Follows an index in the order of received time and then of the key, which is also what a position says. */
export async function* scanStore(session: Session, layout: Layout, scan: Scan): AsyncGenerator<Page> {
  scan.signal?.throwIfAborted()
  yield* gatherSteps(steps(session, positions(session, layout, scan), scan), scan)
}

/**
 * Reads the rows of positions: so many at a time as one request takes or, as long as rows are small, as several do. What is in
 * parts is read and given out one by one.
 */
async function* steps(
  session: Session,
  source: AsyncGenerator<readonly string[]>,
  { pageSize = PAGE_RECORDS, signal }: Scan,
): AsyncGenerator<readonly Step[]> {
  const asking = signal ? { signal } : {}
  let most = Math.min(MOST_READ, pageSize)
  for await (const group of regroup(source, () => most)) yield* read(group)

  async function* read(group: readonly string[]): AsyncGenerator<readonly Step[]> {
    const items = await getRows(session, group.map(keyIn), asking)
    most = Math.min(isSmall(items) ? MOST_SMALL : MOST_READ, pageSize)
    const found = new Map(items.map((item) => [keyOf(item), item]))
    let ready: Step[] = []
    for (const position of group) {
      const item = found.get(keyIn(position))
      found.delete(keyIn(position))
      const record = item && decodePlain(session, item)
      if (item === undefined || record) ready.push({ position, record })
      else {
        yield ready
        ready = []
        yield [{ position, record: await decodeRow(session, item, asking) }]
      }
    }
    yield ready
  }
}

function isSmall(items: readonly Item[]): boolean {
  const bytes = items.reduce((sum, { raw, verdict }) => sum + lengthOf(raw?.B) + lengthOf(verdict?.S), 0)
  return bytes <= items.length * SMALL_BYTES
}

/** What is not there is compressed, or in parts. */
const lengthOf = (kept: { readonly length: number } | undefined): number => kept?.length ?? MOST_ITEM_BYTES

function positions(session: Session, layout: Layout, scan: Scan): AsyncGenerator<readonly string[]> {
  const { from = -Infinity, to = Infinity, after } = scan
  if (after !== undefined && !isArrived(after)) {
    const what = `a scan gave out no position "${after}"; begin it again without one`
    throw new HeadwaterError('POSITION_UNKNOWN', what)
  }
  const start = sortableTime(from)
  // A position sorts before everything that begins with it, such as what comes next.
  const range = { from: after !== undefined && after > start ? `${after} ` : start, to: sortableTime(to) }
  switch (scan.by) {
    case 'time':
      return byTime(session, layout, range, scan)
    case 'product':
      return inIndex(session, layout, 'by_product', scan.product, range, scan)
    case 'cluster':
      return inIndex(session, layout, 'by_cluster', scan.cluster, range, scan)
    case 'review':
      return byReview(session, scan.half, range, scan)
  }
}

async function* byTime(
  session: Session,
  layout: Layout,
  range: Range,
  scan: Scan,
): AsyncGenerator<readonly string[]> {
  const days: string[] = []
  const bounds = [dayIn(range.from), dayIn(range.to === END ? '9999-12-31' : range.to)] as const
  for await (const day of notedIn(session, 'days', asked(scan), bounds)) days.push(day)
  for (const day of days) yield* inIndex(session, layout, 'by_time', day, range, scan)
}

function inIndex(
  session: Session,
  { shards }: Layout,
  index: Index,
  text: string,
  range: Range,
  scan: Scan,
): AsyncGenerator<readonly string[]> {
  const partitions = Array.from({ length: shards }, (_, shard) => partitionOf(text, shard))
  return merged(session, { index, partitions, range, pageSize: scan.pageSize ?? PAGE_RECORDS }, asked(scan))
}

/** The table itself, which is always up to date. The history of one review is short: its positions are sorted in memory. */
async function* byReview(
  session: Session,
  half: string,
  range: Range,
  scan: Scan,
): AsyncGenerator<readonly string[]> {
  if (half === '') return
  const query = {
    TableName: session.tables.reviews,
    ConsistentRead: true,
    KeyConditionExpression: 'review_half = :half',
    ExpressionAttributeValues: { ':half': { S: half } },
    ProjectionExpression: 'arrived',
  }
  const found: string[] = []
  for await (const page of queryPages(session, query, asked(scan)))
    found.push(...page.map((item) => textIn(item, 'arrived')))
  yield found.filter((arrived) => arrived >= range.from && arrived < range.to).toSorted()
}

const asked = ({ signal }: Scan) => (signal ? { signal } : {})
