import type { QueryCommandInput } from '@aws-sdk/client-dynamodb'
import type { Asking, Session } from './connect.ts'
import type { Range } from './scan.ts'
import type { Index } from './tables.ts'
import { INDEXES } from './tables.ts'
import { textIn } from './values.ts'

/** Entries of an index are small; fewer at a time would cost as much. */
const FEWEST = 25
const MOST = 500

export interface Merge {
  readonly index: Index
  readonly partitions: readonly string[]
  readonly range: Range
  readonly pageSize: number
}

/** One partition of an index: what was read of it and not given out. */
interface Stream {
  readonly partition: string
  entries: string[]
  at: number
  from: string
  /** The last entry when it was first looked at: what is written behind it is not waited for. */
  to: string
  isOver: boolean
}

/**
 * The entries of several partitions of an index in one order, some at a time. It ends, however fast others write: each
 * partition is followed to where it ended when it was begun.
 */
export async function* merged(
  session: Session,
  merge: Merge,
  asking: Asking,
): AsyncGenerator<readonly string[]> {
  const { partitions, range } = merge
  const streams = partitions.map(
    (partition): Stream => ({ partition, entries: [], at: 0, from: range.from, to: range.to, isOver: false }),
  )
  for (let isFirst = true; ; isFirst = false) {
    const drained = streams.filter(isDrained)
    if (drained.length === 0) return
    await Promise.all(drained.map((stream) => refill(stream, isFirst)))
    const entries = take(streams)
    if (entries.length > 0) yield entries
  }

  async function refill(stream: Stream, isFirst: boolean): Promise<void> {
    const { partition, from } = stream
    if (from >= stream.to) return void (stream.isOver = true)
    const limit = Math.min(MOST, Math.max(FEWEST, merge.pageSize))
    const page = await query(partition, from, stream.to, { Limit: limit })
    stream.entries = page.entries
    stream.at = 0
    stream.isOver = !page.hasMore
    stream.from = `${page.entries.at(-1) ?? from} `
    if (isFirst && page.hasMore) {
      const last = await query(partition, from, stream.to, { Limit: 1, ScanIndexForward: false })
      stream.to = `${last.entries[0] ?? ''} `
    }
  }

  async function query(
    partition: string,
    from: string,
    to: string,
    how: Pick<QueryCommandInput, 'Limit' | 'ScanIndexForward'>,
  ) {
    const { db, ask, tables } = session
    const [hash, range] = INDEXES[merge.index]
    const input = {
      TableName: tables.reviews,
      IndexName: merge.index,
      KeyConditionExpression: `${hash} = :partition AND ${range} BETWEEN :from AND :to`,
      ExpressionAttributeValues: { ':partition': { S: partition }, ':from': { S: from }, ':to': { S: to } },
      ...how,
    }
    const answer = await ask((options) => db.query(input, options), asking)
    return {
      entries: (answer.Items ?? []).map((item) => textIn(item, range)),
      hasMore: answer.LastEvaluatedKey !== undefined,
    }
  }
}

/** The next entries, as far as it is known that none comes between them. */
function take(streams: readonly Stream[]): readonly string[] {
  const taken: string[] = []
  for (let least = leastOf(streams); least && !streams.some(isDrained); least = leastOf(streams)) {
    taken.push(headOf(least))
    least.at++
  }
  return taken
}

/** The one with the least entry that was not given out; undefined where none has one. */
function leastOf(streams: readonly Stream[]): Stream | undefined {
  let least: Stream | undefined
  for (const stream of streams) {
    if (stream.at === stream.entries.length) continue
    if (!least || headOf(stream) < headOf(least)) least = stream
  }
  return least
}

/** Whether more of it has to be read. */
const isDrained = ({ at, entries, isOver }: Stream): boolean => at === entries.length && !isOver
const headOf = ({ entries, at }: Stream): string => entries[at] ?? ''
