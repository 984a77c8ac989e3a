import type { QueryCommandInput } from '@aws-sdk/client-dynamodb'
import { findableBy } from '../../review/verdict.ts'
import { type Cluster, MOST_COUNTED, type Stored } from '../store.ts'
import type { Asking, Session } from './connect.ts'
import { notedIn } from './notes.ts'
import { keyIn, partitionOf } from './placing.ts'
import { decodeRow, getRow, type Layout } from './row.ts'
import { textIn } from './values.ts'

/** Looks at each cluster that ever was: at both ends of its partitions, and where it has dead letters, at how many. */
export async function* clustersIn(
  session: Session,
  { shards }: Layout,
  asking: Asking,
): AsyncGenerator<Cluster> {
  for await (const noted of notedIn(session, 'clusters', asking)) {
    const partitions = Array.from({ length: shards }, (_, shard) => partitionOf(noted, shard))
    const firsts = (await Promise.all(partitions.map((partition) => end(partition, true)))).flat().toSorted()
    if (firsts.length === 0) continue
    const lasts = (await Promise.all(partitions.map((partition) => end(partition, false)))).flat().toSorted()
    const [first, last] = [await read(firsts[0]), await read(lasts.at(-1))]
    const cluster = first && findableBy(first.verdict).cluster
    // What was mended since the index was read is in no cluster.
    if (!first || !last || cluster === undefined) continue
    yield { cluster, count: await count(partitions), first, last }
  }

  async function end(partition: string, isFirst: boolean): Promise<readonly string[]> {
    const { Items: items = [] } = await query(partition, { Limit: 1, ScanIndexForward: isFirst })
    return items.map((item) => textIn(item, 'arrived'))
  }

  async function count(partitions: readonly string[]): Promise<number> {
    const counts = await Promise.all(partitions.map(countOf))
    return Math.min(
      MOST_COUNTED,
      counts.reduce((sum, one) => sum + one),
    )
  }

  async function countOf(partition: string): Promise<number> {
    let sum = 0
    let start: QueryCommandInput['ExclusiveStartKey']
    do {
      const answer = await query(partition, {
        Select: 'COUNT',
        Limit: MOST_COUNTED - sum,
        ...(start && { ExclusiveStartKey: start }),
      })
      sum += answer.Count ?? 0
      start = answer.LastEvaluatedKey
    } while (start && sum < MOST_COUNTED)
    return sum
  }

  function query(partition: string, how: Omit<QueryCommandInput, 'TableName'>) {
    const input = {
      TableName: session.tables.reviews,
      IndexName: 'by_cluster',
      KeyConditionExpression: 'cluster_shard = :partition',
      ExpressionAttributeValues: { ':partition': { S: partition } },
      ...how,
    }
    return session.ask((options) => session.db.query(input, options), asking)
  }

  async function read(arrived = ''): Promise<Stored | undefined> {
    const item = await getRow(session, keyIn(arrived), asking)
    return item && decodeRow(session, item, asking)
  }
}
