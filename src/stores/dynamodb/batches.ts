import type { QueryCommandInput, ScanCommandInput } from '@aws-sdk/client-dynamodb'
import { TransientError } from '../../errors.ts'
import { inGroupsOf, inParallel } from '../../lib/parallel.ts'
import type { Asking, Session } from './connect.ts'
import type { Item } from './values.ts'

/** What one request takes, if it reads, and if it writes. */
export const MOST_READ = 100
export const MOST_WRITTEN = 25
/** So often in a row DynamoDB may have no room for anything of a batch. */
const PATIENCE = 10

/** The items with these keys, all different, that are there, in no order; read consistently, whole unless told. */
export async function getItems(
  session: Session,
  table: string,
  keys: readonly Item[],
  asking: Asking = {},
  only: readonly string[] = [],
): Promise<Item[]> {
  const projection = only.length > 0 && {
    ProjectionExpression: only.map((name) => `#${name}`).join(', '),
    ExpressionAttributeNames: Object.fromEntries(only.map((name) => [`#${name}`, name])),
  }
  const work = async (group: readonly Item[]): Promise<Item[]> => {
    const found: Item[] = []
    await untilProcessed(session, group, asking, async (rest, options) => {
      const RequestItems = { [table]: { Keys: [...rest], ConsistentRead: true, ...projection } }
      const answer = await session.db.batchGetItem({ RequestItems }, options)
      found.push(...(answer.Responses?.[table] ?? []))
      return answer.UnprocessedKeys?.[table]?.Keys ?? []
    })
    return found
  }
  return (await inParallel([...inGroupsOf(MOST_READ, keys)], work, session.concurrency)).flat()
}

/** Deletes the items with these keys, all different, as far as they are there. */
export async function deleteItems(
  session: Session,
  table: string,
  keys: readonly Item[],
  asking: Asking = {},
): Promise<void> {
  const work = async (group: readonly Item[]): Promise<void> => {
    const requests = group.map((Key) => ({ DeleteRequest: { Key } }))
    await untilProcessed(session, requests, asking, async (rest, options) => {
      const answer = await session.db.batchWriteItem({ RequestItems: { [table]: [...rest] } }, options)
      return answer.UnprocessedItems?.[table] ?? []
    })
  }
  await inParallel([...inGroupsOf(MOST_WRITTEN, keys)], work, session.concurrency)
}

/** Asks again for what a batch had no room for, which is an answer like any other. */
export async function untilProcessed<T>(
  { ask, backOff, place }: Session,
  all: readonly T[],
  asking: Asking,
  request: (rest: readonly T[], options: { abortSignal: AbortSignal }) => Promise<readonly unknown[]>,
): Promise<void> {
  let rest: readonly T[] = all
  for (let failures = 0; rest.length > 0; ) {
    if (failures > 0) await backOff(failures, asking.signal)
    const left = (await ask((options) => request(rest, options), asking)) as readonly T[]
    failures = left.length < rest.length ? 1 : failures + 1
    if (failures > PATIENCE)
      throw new TransientError('STORE_UNAVAILABLE', `${place}: throttled: nothing of a batch was processed`)
    rest = left
  }
}

/** Everything that a Query finds, as DynamoDB pages it (1 MB) or as `Limit` says. */
export async function* queryPages(
  { db, ask }: Session,
  query: QueryCommandInput,
  asking: Asking = {},
): AsyncGenerator<Item[]> {
  for (let start = query.ExclusiveStartKey, isFirst = true; isFirst || start; isFirst = false) {
    const page = await ask(
      (options) => db.query({ ...query, ...(start && { ExclusiveStartKey: start }) }, options),
      asking,
    )
    start = page.LastEvaluatedKey
    yield page.Items ?? []
  }
}

/** Everything in a table, consistently, in pages of 1 MB. */
export async function* scanPages(
  { db, ask }: Session,
  scan: ScanCommandInput,
  asking: Asking = {},
): AsyncGenerator<Item[]> {
  for (let start: Item | undefined, isFirst = true; isFirst || start; isFirst = false) {
    const page = await ask(
      (options) =>
        db.scan({ ...scan, ConsistentRead: true, ...(start && { ExclusiveStartKey: start }) }, options),
      asking,
    )
    start = page.LastEvaluatedKey
    yield page.Items ?? []
  }
}
