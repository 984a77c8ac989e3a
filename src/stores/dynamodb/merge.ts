import type { QueryCommandInput } from '@aws-sdk/client-dynamodb'
import { mergePages } from '../merging.ts'
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

/**
 * The entries of several partitions of an index in one order, some at a time. It ends, however fast others write: each
 * partition is followed to where it ended when it was begun.
 */
export function merged(session: Session, merge: Merge, asking: Asking): AsyncGenerator<readonly string[]> {
  return mergePages(merge.partitions.map(entriesOf), compare)

  async function* entriesOf(partition: string): AsyncGenerator<readonly string[]> {
    const Limit = Math.min(MOST, Math.max(FEWEST, merge.pageSize))
    let { from, to } = merge.range
    for (let isFirst = true; from < to; isFirst = false) {
      const { entries, hasMore } = await query(partition, from, to, { Limit })
      if (isFirst && hasMore) {
        const last = await query(partition, from, to, { Limit: 1, ScanIndexForward: false })
        to = `${last.entries[0] ?? ''} `
      }
      yield entries
      if (!hasMore) return
      from = `${entries.at(-1) ?? from} `
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

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))
