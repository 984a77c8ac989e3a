import { isDeepStrictEqual } from 'node:util'
import { arrivalOf, recordOf } from '../arrival.ts'
import { HeadwaterError } from '../errors.ts'
import { isNewer, newRejected, sameVerdict } from '../review/compare.ts'
import { correctionKey } from '../review/key.ts'
import type { Received } from '../review/received.ts'
import type { Arrival, ReviewRecord } from '../review/record.ts'
import type { Verdict } from '../review/verdict.ts'
import type { Store, Stored } from '../stores/store.ts'
import { isSamePublication } from './ledger.ts'

/** What came, as the store has it. */
export interface Kept {
  readonly arrival: Arrival
  /** This very publication wrote it, now or before an end in between. */
  readonly isNew: boolean
}

/**
 * Puts what is new, and sees to it that the rows which were there say what is known now: one with an older verdict gets the new one,
 * and a correct item whose key a faulty one has becomes a record of its own. Safe to repeat.
 */
export async function keep(
  arrivals: readonly Arrival[],
  store: Store,
  signal: AbortSignal,
): Promise<ReadonlyMap<Arrival, Kept>> {
  const kept = await putAll(arrivals, store, signal)
  const known = [...kept].filter(([, { isNew }]) => !isNew)
  if (known.length === 0) return kept
  const rows = await store.get(
    known.map(([, { arrival }]) => arrival.key),
    { signal },
  )
  const corrections = new Map<Arrival, Arrival>()
  for (const [came, { arrival }] of known) {
    const row = rows.get(arrival.key)
    if (!row) continue
    if (isSamePublication(row.ledger, arrival.ledger)) kept.set(came, { arrival, isNew: true })
    const record = recordOf(arrival)
    await renew(row, record.verdict, store, signal)
    if (isCorrection(record, row))
      corrections.set(came, arrivalOf({ ...record, key: correctionKey(record.key) }))
  }
  if (corrections.size === 0) return kept
  const corrected = await keep([...corrections.values()], store, signal)
  for (const [came, arrival] of corrections)
    kept.set(came, corrected.get(arrival) ?? { arrival, isNew: false })
  return kept
}

/** What the store refuses goes in as a dead letter that says so; what it refuses even then stops the flow. */
async function putAll(
  arrivals: readonly Arrival[],
  store: Store,
  signal: AbortSignal,
): Promise<Map<Arrival, Kept>> {
  const put = new Map<Arrival, Kept>()
  const outcomes = await store.put(arrivals, { signal })
  for (const [n, came] of arrivals.entries()) {
    const outcome = outcomes[n]
    if (typeof outcome !== 'object') put.set(came, { arrival: came, isNew: outcome === 'stored' })
    else {
      const arrival = asRejected(came, outcome.code, outcome.message)
      const [second] = await store.put([arrival], { signal })
      if (typeof second === 'object')
        throw new HeadwaterError('STORE_REFUSED', `${came.key}: ${second.message}`)
      put.set(came, { arrival, isNew: second === 'stored' })
    }
  }
  return put
}

/** The same as a dead letter, which no rule rejected. */
export function asRejected(arrival: Arrival, code: string, message: string): Arrival {
  const record = recordOf(arrival)
  return arrivalOf({ ...record, verdict: newRejected(record, code, message) })
}

async function renew(row: Stored, verdict: Verdict, store: Store, signal: AbortSignal): Promise<void> {
  let now: Stored | undefined = row
  while (now && isNewer(verdict, now.verdict) && !sameVerdict(verdict, now.verdict)) {
    if (await store.amend(now.key, now.revision, verdict, { signal })) return
    now = (await store.get([now.key], { signal })).get(now.key)
  }
}

/** The same rules reject what is stored and accept what came, since that was sent, or is to be read, in another way. */
function isCorrection({ verdict, received }: ReviewRecord, row: Stored): boolean {
  if (verdict.status !== 'accepted' || row.verdict.status !== 'rejected') return false
  const { preset, schema } = row.verdict.by
  return verdict.by.preset === preset && verdict.by.schema === schema && !isReadAlike(received, row.received)
}

function isReadAlike(a: Received, b: Received): boolean {
  const reading = ({ context: { columns, delimiter, carried, unreadable, blocked, failure } }: Received) => {
    return { columns, delimiter, carried, unreadable, blocked, failure }
  }
  return a.raw.equals(b.raw) && isDeepStrictEqual(reading(a), reading(b))
}
