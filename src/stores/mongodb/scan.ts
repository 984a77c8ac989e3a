import type { Collection, Filter, FindCursor, WithId } from 'mongodb'
import { HeadwaterError } from '../../errors.ts'
import { createGathering, PAGE_RECORDS } from '../gathering.ts'
import { isSelected } from '../selected.ts'
import type { Page, Scan } from '../store.ts'
import { onePage, type RowIndex } from './collections.ts'
import type { Session } from './connect.ts'
import type { Row } from './row.ts'
import type { Rows } from './rows.ts'

/** So many rows are asked for at once. */
const MOST_ROWS = 2_000
/** And so many are laid out at once. */
const SOME_ROWS = 100

type Answer = Pick<FindCursor<WithId<Row>>, 'bufferedCount' | 'readBufferedDocuments'>

/** Rows follow each other by received time, and by key where that is the same. */
interface Position {
  readonly at: number
  readonly key: string
}

/**
 * Nothing is held in the database between two questions: each begins behind the last row of the one before. Whoever reads on is
 * read ahead for, so that short pages are no more questions than long ones.
 */
export async function* scanRows(
  session: Session,
  collection: Collection<Row>,
  rows: Rows,
  scan: Scan,
): AsyncGenerator<Page> {
  const { signal } = scan
  const options = signal ? { signal } : {}
  signal?.throwIfAborted()
  const gathering = createGathering(scan, writePosition)
  for await (const found of answersOf(session, collection, scan)) {
    for (const row of found) {
      const present = rows.present(row, options)
      const record = present instanceof Promise ? await present : present
      // The database takes two ill-formed texts for one, and a verdict may have changed since the row was found.
      const page = gathering.look(row, record && isSelected(record, scan) ? record : undefined)
      if (!page) continue
      yield page
      signal?.throwIfAborted()
    }
  }
  const rest = gathering.rest()
  if (rest) yield rest
}

/** Rows in their order, some at a time; the rest of an answer waits as the bytes that the server sent. */
async function* answersOf(
  session: Session,
  collection: Collection<Row>,
  scan: Scan,
): AsyncGenerator<readonly Row[]> {
  const { pageSize = PAGE_RECORDS, signal } = scan
  const { from, to } = windowOf(scan)
  const path = pathOf(scan)

  /** An answer of the server, which is never more than 16 MiB. */
  async function find(filter: Filter<Row>, limit: number): Promise<Answer> {
    const how = { ...onePage(limit), hint: path.index, sort: { receivedAt: 1, _id: 1 } } as const
    const cursor = collection.find({ ...path.filter, ...filter }, how)
    await session.ask(() => cursor.hasNext(), signal ? { signal } : {})
    return cursor
  }

  /** Two questions that the index answers from one place each, where one with $or would look at all of a millisecond. */
  async function behind(after: Position | undefined, limit: number): Promise<Answer | undefined> {
    const isInside = after !== undefined && after.at >= from && after.at < to
    const same = isInside && (await find({ receivedAt: new Date(after.at), _id: { $gt: after.key } }, limit))
    if (same && same.bufferedCount() > 0) return same
    const since = Math.max(from, (after?.at ?? EARLIEST) + 1)
    return since < to ? find({ receivedAt: { $gte: new Date(since), $lt: new Date(to) } }, limit) : undefined
  }

  let after = parsePosition(scan.after)
  for (let limit = pageSize; ; limit = Math.max(limit, Math.min(limit * 2, MOST_ROWS))) {
    const answer = await behind(after, limit)
    let last: Row | undefined
    while (answer && answer.bufferedCount() > 0) {
      const some = answer.readBufferedDocuments(SOME_ROWS)
      last = some.at(-1)
      yield some
    }
    if (last === undefined) return
    after = { at: last.receivedAt.getTime(), key: last._id }
  }
}

function pathOf(scan: Scan): { readonly filter: Filter<Row>; readonly index: RowIndex } {
  switch (scan.by) {
    case 'time':
      return { filter: {}, index: 'by_time' }
    case 'product':
      return { filter: { product: scan.product }, index: 'by_product' }
    case 'cluster':
      return { filter: { cluster: scan.cluster }, index: 'by_cluster' }
    case 'review':
      return { filter: { reviewKey: scan.half }, index: 'by_review' }
  }
}

/** The first and the last moment that a date can be, and one. */
const EARLIEST = -8.64e15
const LATEST = 8.64e15

/** In whole milliseconds, as rows have them. */
function windowOf({ from = -Infinity, to = Infinity }: Scan): { readonly from: number; readonly to: number } {
  return { from: Math.max(EARLIEST, Math.ceil(from)), to: Math.min(LATEST, Math.ceil(to)) }
}

const writePosition = ({ receivedAt, _id }: Row): string => `${receivedAt.getTime()} ${_id}`

function parsePosition(after: string | undefined): Position | undefined {
  if (after === undefined) return undefined
  const [, at, key] = /^(-?\d{1,16}) (.+)$/s.exec(after) ?? []
  if (at !== undefined && key !== undefined) return { at: Number(at), key }
  throw new HeadwaterError(
    'POSITION_UNKNOWN',
    `a scan gave out no position "${after}"; begin it again without one`,
  )
}
