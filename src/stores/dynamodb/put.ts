import { HeadwaterError } from '../../errors.ts'
import type { Refusal } from '../../batch.ts'
import type { Arrival } from '../../review/record.ts'
import { formatBytes } from '../../lib/units.ts'
import type { PutOutcome } from '../store.ts'
import { getItems } from './batches.ts'
import type { Asking, Session } from './connect.ts'
import type { Note } from './notes.ts'
import { commit, deleteParts } from './parts.ts'
import { arrivedOf, dayIn, indexed, isSortable, rowKey, rowKeys } from './placing.ts'
import { encodeRow, getRow, keyOf, type Layout } from './row.ts'
import { each } from './turns.ts'

/** A larger raw is refused. */
const MOST_RAW_BYTES = 2 ** 30

export type Put = (arrivals: readonly Arrival[], asking: Asking) => Promise<readonly PutOutcome[]>

/**
 * Puts rows one by one, many at a time, each under the condition that its key has none. What is there already is looked up
 * before, in large groups: a write that fails costs as much as one that doesn't, and a read a twentieth of it.
 */
export function openPut(session: Session, layout: Layout, note: Note): Put {
  return async (arrivals, asking) => {
    const outcomes: PutOutcome[] = arrivals.map((arrival) => refusalOf(arrival) ?? 'unchanged')
    const known = await knownOf(arrivals, asking)
    const taken: { readonly n: number; readonly arrival: Arrival }[] = []
    for (const [n, arrival] of arrivals.entries()) {
      if (outcomes[n] !== 'unchanged' || known.has(arrival.key)) continue
      known.add(arrival.key)
      taken.push({ n, arrival })
    }
    await note('days', new Set(taken.map(({ arrival }) => dayOf(arrival))), asking)
    await note(
      'clusters',
      new Set(taken.flatMap(({ arrival: { cluster = [] } }) => cluster).map(indexed)),
      asking,
    )
    await each(taken, session.concurrency, async ({ n, arrival }) => {
      outcomes[n] = await putOne(arrival, asking)
    })
    return outcomes
  }

  async function knownOf(arrivals: readonly Arrival[], asking: Asking): Promise<Set<string>> {
    const keys = rowKeys(arrivals.map(({ key }) => key))
    const items = await getItems(session, session.tables.reviews, keys, asking, Object.keys(keys[0] ?? {}))
    return new Set(items.map(keyOf))
  }

  async function putOne(arrival: Arrival, asking: Asking): Promise<PutOutcome> {
    const { key } = arrival
    const { item, write, parts, expires } = await encodeRow(arrival, layout)
    const Put = {
      TableName: session.tables.reviews,
      Item: item,
      ConditionExpression: 'attribute_not_exists(review_half)',
    }
    try {
      if (await commit(session, { Put }, { owner: key, parts, expires }, asking)) return 'stored'
    } catch (error) {
      const refusal = refusalIn(error)
      if (!refusal) throw error
      return refusal
    }
    const row = await getRow(session, key, asking)
    // A repetition has lost against its own first try, whose answer did not come.
    if (row?.['write']?.S === write) return 'stored'
    if (parts.length > 0) await deleteParts(session, key, { prefix: `${write}/` }, asking)
    return 'unchanged'
  }
}

const dayOf = ({ key, received }: Arrival): string => dayIn(arrivedOf(received.receivedAt, key))

function refusalOf({ key, received: { raw, receivedAt } }: Arrival): Refusal | undefined {
  if (!rowKey(key)) return { code: 'key_invalid', message: `a record key is 32 hex digits, not "${key}"` }
  if (!isSortable(receivedAt)) {
    return { code: 'time_out_of_range', message: 'it was not received between the years 0 and 9999' }
  }
  if (raw.length <= MOST_RAW_BYTES) return undefined
  const message = `raw has ${formatBytes(raw.length)}, and this store takes ${formatBytes(MOST_RAW_BYTES)}`
  return { code: 'too_large', message }
}

/** What DynamoDB says of an item that it will never take. */
function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || error instanceof HeadwaterError) return undefined
  const isRefused =
    error.name === 'ValidationException' || error.name === 'ItemCollectionSizeLimitExceededException'
  return isRefused ? { code: 'refused_by_store', message: `DynamoDB: ${error.message}` } : undefined
}
