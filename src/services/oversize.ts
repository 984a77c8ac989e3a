import { arrivalOf } from '../arrival.ts'
import { HeadwaterError } from '../errors.ts'
import type { Watch } from '../pump.ts'
import type { ReviewRecord } from '../review/record.ts'
import type { Store } from '../stores/store.ts'
import { isSamePublication, type Ledger, type Settlement } from './ledger.ts'
import type { DeadLetterLimit } from './dead-letter-limit.ts'
import type { Origins } from './origins.ts'
import { removeErased, type Suppression } from './suppression.ts'

export interface Oversize {
  readonly store: Store
  readonly ledger: Ledger
  readonly origins: Origins
  readonly suppression: Omit<Suppression, symbol>
  readonly limit: DeadLetterLimit
  readonly watch?: Pick<Watch, 'turned'>
}

/**
 * The one thing that ingestion writes to the store itself: dead letters of items that no message can hold. They are
 * settled here, since nobody reads them from the queue. What is of reviews that were erased for good, be it between two tries, is
 * not kept. Safe to repeat.
 */
export async function keepOversize(
  records: readonly ReviewRecord[],
  { store, ledger, origins, suppression, limit, watch }: Oversize,
  signal: AbortSignal,
): Promise<void> {
  const wanted = records.filter(({ key }) => !suppression.has(key))
  const arrivals = wanted.map(arrivalOf)
  await limit.makeSure(arrivals, { signal, onWaiting: watch?.turned })
  await origins.note(new Set(records.map(({ received }) => received.origin)))
  const outcomes = await store.put(arrivals, { signal })
  for (const [n, outcome] of outcomes.entries()) {
    if (typeof outcome === 'object')
      throw new HeadwaterError('STORE_REFUSED', `${wanted[n]?.key}: ${outcome.message}`)
  }
  const known = wanted.filter((_, n) => outcomes[n] === 'unchanged')
  const rows = await store.get(
    known.map(({ key }) => key),
    { signal },
  )
  const keys = records.map(({ key }) => key)
  const erased = await removeErased(keys, { store, suppression }, signal)
  const settlementOf = (record: ReviewRecord): Settlement => {
    if (erased.has(record.key)) return 'unchanged'
    const isOwn = isSamePublication(rows.get(record.key)?.ledger, record.ledger)
    return isOwn || !known.includes(record) ? 'rejected' : 'unchanged'
  }
  const entries = records.flatMap((record) =>
    record.ledger ? [[record.ledger, settlementOf(record)] as const] : [],
  )
  await ledger.settle(entries, signal)
}
