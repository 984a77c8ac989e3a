import type { BatchStatementError, BatchStatementResponse } from '@aws-sdk/client-dynamodb'
import type { Refusal } from '../../batch.ts'
import { MOST_WRITTEN, untilProcessed } from './batches.ts'
import type { Asking, Session } from './connect.ts'
import { isThrottled, isUnanswered, translate } from './translate.ts'
import type { Item } from './values.ts'

/** `there`: its key had an item already. */
export type Inserted = 'stored' | 'there' | Refusal

/** How many rows go into one request. */
export const MOST_INSERTED: number = MOST_WRITTEN

/**
 * Writes items, all of different keys, each if its key has none, in one request: what BatchWriteItem can't say, a batch of
 * INSERT statements does, for a tenth of the work of as many PutItem.
 */
export async function insertItems(
  session: Session,
  table: string,
  items: readonly Item[],
  asking: Asking,
): Promise<ReadonlyMap<Item, Inserted>> {
  const inserted = new Map<Item, Inserted>()
  await untilProcessed(session, items, asking, async (rest, options) => {
    const Statements = rest.map((item) => statement(table, item))
    const { Responses: answers = [] } = await session.db.batchExecuteStatement({ Statements }, options)
    return rest.filter((item, n) => {
      const outcome = outcomeOf(session, answers[n])
      if (outcome) inserted.set(item, outcome)
      return !outcome
    })
  })
  return inserted
}

function statement(table: string, item: Item) {
  const names = Object.keys(item)
  return {
    Statement: `INSERT INTO "${table}" VALUE {${names.map((name) => `'${name}': ?`).join(', ')}}`,
    Parameters: Object.values(item),
  }
}

/** Undefined where it is to be tried again. */
function outcomeOf({ place }: Session, answer: BatchStatementResponse | undefined): Inserted | undefined {
  if (answer === undefined) return undefined
  const { Error: failure } = answer
  if (!failure) return 'stored'
  if (failure.Code === 'DuplicateItem') return 'there'
  if (failure.Code === 'ValidationError') return refusalFor(failure.Message)
  const error = errorOf(failure)
  if (isThrottled(error) || isUnanswered(error)) return undefined
  throw translate(error, place)
}

/** What DynamoDB says of an item that it will never take. */
export const refusalFor = (message = 'no reason given'): Refusal => ({
  code: 'refused_by_store',
  message: `DynamoDB: ${message}`,
})

const errorOf = ({ Code: code, Message: message = '' }: BatchStatementError): Error =>
  Object.assign(new Error(message), { name: code ?? 'Error' })
