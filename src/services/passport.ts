import { isDeepStrictEqual } from 'node:util'
import type { Registry } from '../stores/registry.ts'
import { halfOf } from '../review/key.ts'
import { isDiscarded, type Verdict } from '../review/verdict.ts'
import type { Store, Stored } from '../stores/store.ts'
import { settlementOf, type Settlement } from './ledger.ts'

/** One version of a review among others. */
export interface Version {
  readonly key: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly status: Verdict['status'] | 'discarded'
  /** Whether this is the one that was asked for. */
  readonly current: boolean
  /** What the one before it had differently; nothing for the first. */
  readonly changed: readonly Difference[]
}

export interface Difference {
  readonly field: string
  readonly before?: unknown
  readonly after?: unknown
}

export interface Passport {
  readonly row: Stored
  /** Oldest first; the last ones where there are very many. */
  readonly versions: readonly Version[]
  /** What the storage service noted of the publication that brought it; absent where it noted nothing yet. */
  readonly settled?: Settlement
}

const MOST_VERSIONS = 200
/** What a reader is shown of one field. */
const SHOWN = 5_000

/**
 * How many milliseconds after a record was received its row was written; undefined where the row doesn't say it. Never less
 * than 0: the clock of the machine that received it may be ahead.
 */
export function storedAfterMs({ received, storedAt }: Stored): number | undefined {
  return storedAt === undefined ? undefined : Math.max(0, storedAt - received.receivedAt)
}

/** All that is known of one record; undefined where there is none. */
export async function passportOf(
  key: string,
  { store, registry }: { readonly store: Store; readonly registry: Registry },
  signal: AbortSignal,
): Promise<Passport | undefined> {
  const row = (await store.get([key], { signal })).get(key)
  if (!row) return undefined
  const [versions, settled] = await Promise.all([
    versionsOf(row, store, signal),
    row.ledger && settlementOf(registry, row.ledger, signal),
  ])
  return { row, versions, ...(settled && { settled }) }
}

async function versionsOf(row: Stored, store: Store, signal: AbortSignal): Promise<readonly Version[]> {
  const rows: Stored[] = []
  for await (const { records } of store.scan({ by: 'review', half: halfOf(row.key), signal })) {
    rows.push(...records)
    if (rows.length > MOST_VERSIONS) rows.splice(0, rows.length - MOST_VERSIONS)
  }
  return rows.map((each, n) => {
    const { key, received, verdict } = each
    const before = rows[n - 1]
    return {
      key,
      receivedAt: received.receivedAt,
      status: isDiscarded(verdict) ? 'discarded' : verdict.status,
      current: key === row.key,
      changed: before ? differences(fieldsOf(before), fieldsOf(each)) : [],
    }
  })
}

/** What can be compared of a version: the review, or why it is none. */
function fieldsOf({ verdict }: Stored): Readonly<Record<string, unknown>> {
  if (verdict.status === 'accepted') return verdict.review
  if (verdict.status !== 'rejected') return { status: verdict.status }
  return { status: verdict.status, error: verdict.errors[0]?.message ?? verdict.code }
}

function differences(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly Difference[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return fields
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => ({
      field,
      ...(field in before && { before: shortened(before[field]) }),
      ...(field in after && { after: shortened(after[field]) }),
    }))
}

function shortened(value: unknown): unknown {
  return typeof value === 'string' && value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value
}
