import type { Refusal } from '../../batch.ts'
import type { Arrival } from '../../review/record.ts'
import { inParallel } from '../../lib/parallel.ts'
import { formatBytes } from '../../lib/units.ts'
import type { PutOutcome } from '../store.ts'
import { getItems } from './batches.ts'
import type { Asking, Session } from './connect.ts'
import { type Inserted, insertItems, MOST_INSERTED, refusalFor } from './insert.ts'
import type { Note } from './notes.ts'
import { commit, deleteParts } from './parts.ts'
import { arrivedOf, dayIn, indexed, isSortable, rowKey, rowKeys } from './placing.ts'
import { encodePlain, encodeRow, getRow, keyOf, type Layout, partsExpiryOf, type Row } from './row.ts'

/** A larger raw is refused. */
const MOST_RAW_BYTES = 2 ** 30
/** Rows of one request, about; a larger row has one of its own. */
const GROUP_BYTES = 2 ** 20
/** Of all requests that may be under way, one in so many is one that writes many rows and takes longer. */
const SHARE = 8

export type Put = (arrivals: readonly Arrival[], asking: Asking) => Promise<readonly PutOutcome[]>

/**
 * Puts rows under the condition that the key of each has none. What is there already is looked up before: a write that
 * fails costs as much as one that doesn't, and a read a twentieth of it.
 */
export function openPut(session: Session, layout: Layout, note: Note, clock: () => number): Put {
  return async (arrivals, asking) => {
    const outcomes: PutOutcome[] = arrivals.map((arrival) => refusalOf(arrival) ?? 'unchanged')
    const known = await knownOf(arrivals, asking)
    const taken: Taken[] = []
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
    const work = async (group: readonly Taken[]): Promise<void> => {
      const found = await putGroup(
        group.map(({ arrival }) => arrival),
        asking,
      )
      for (const [at, outcome] of found.entries()) outcomes[group[at]?.n ?? -1] = outcome
    }
    await inParallel(groupsOf(taken), work, Math.ceil(session.concurrency / SHARE))
    return outcomes
  }

  async function knownOf(arrivals: readonly Arrival[], asking: Asking): Promise<Set<string>> {
    const keys = rowKeys(arrivals.map(({ key }) => key))
    const items = await getItems(session, session.tables.reviews, keys, asking, Object.keys(keys[0] ?? {}))
    return new Set(items.map(keyOf))
  }

  async function putGroup(arrivals: readonly Arrival[], asking: Asking): Promise<PutOutcome[]> {
    const storedAt = clock()
    const rows: Row[] = []
    for (const arrival of arrivals)
      rows.push(encodePlain(arrival, layout, storedAt) ?? (await encodeRow(arrival, layout, storedAt)))
    const whole = rows.filter(({ parts }) => parts.length === 0).map(({ item }) => item)
    const inserted = await insertItems(session, session.tables.reviews, whole, asking)
    const outcomes: PutOutcome[] = []
    for (const row of rows) {
      const outcome = inserted.get(row.item) ?? (await putInParts(row, asking))
      outcomes.push(outcome === 'there' ? await explain(row, asking) : outcome)
    }
    return outcomes
  }

  async function putInParts({ item, parts }: Row, asking: Asking): Promise<Inserted> {
    const Put = {
      TableName: session.tables.reviews,
      Item: item,
      ConditionExpression: 'attribute_not_exists(review_half)',
    }
    try {
      const spilled = { owner: keyOf(item), parts, expires: partsExpiryOf(item) }
      return (await commit(session, { Put }, spilled, asking)) ? 'stored' : 'there'
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ValidationException') throw error
      return refusalFor(error.message)
    }
  }

  /** A repetition may have lost against its own first try, whose answer did not come. */
  async function explain({ item, write, parts }: Row, asking: Asking): Promise<PutOutcome> {
    const row = await getRow(session, keyOf(item), asking)
    if (row?.['write']?.S === write) return 'stored'
    if (parts.length > 0) await deleteParts(session, keyOf(item), { prefix: `${write}/` }, asking)
    return 'unchanged'
  }
}

interface Taken {
  /** Its place among those that were put. */
  readonly n: number
  readonly arrival: Arrival
}

/** As many rows as one request takes, or fewer large ones. */
function groupsOf(taken: readonly Taken[]): Taken[][] {
  const groups: Taken[][] = []
  let bytes = Infinity
  for (const one of taken) {
    const { head, received } = one.arrival
    const size = 2 * head.length + received.raw.length
    if (bytes + size > GROUP_BYTES || groups.at(-1)?.length === MOST_INSERTED) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)?.push(one)
    bytes += size
  }
  return groups
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
