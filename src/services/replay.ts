import { hash } from 'node:crypto'
import { encodeEvent, subjectOf } from '../event.ts'
import type { Queue } from '../queues/queue.ts'
import { interpret, type Rules } from '../review/interpret.ts'
import type { LedgerEntry } from '../review/record.ts'
import type { Scan, Store, Stored } from '../stores/store.ts'

export interface Replaying {
  /** Without it, what would be published is only counted. */
  readonly into: Pick<Queue, 'publish'> | undefined
  readonly rules: (record: Stored) => Promise<Rules>
  /** Every replay's events have ids of their own; what is replayed twice under one name has the same ids. */
  readonly name: string
  /** Numbers a publication. */
  readonly number: () => LedgerEntry
  readonly signal: AbortSignal
}

export interface Replayed {
  readonly looked: number
  /** Accepted by the rules of today, and published. */
  readonly published: number
  /** Rejected by the rules of today: they stay where they are. */
  readonly rejected: number
  /** The queue would not take them; how many, and why the last one. */
  readonly refused: number
  readonly refusal?: string
}

/** Where a replay goes, opened. */
export type ReplayInto = Pick<Queue, 'publish'> & AsyncDisposable

/**
 * Interprets stored records again from raw, by the rules of today and with the repairs that were made by hand, and
 * publishes those that are accepted. Changes nothing in the store; in memory it holds one page.
 */
export async function replay(
  store: Pick<Store, 'scan'>,
  select: Scan,
  options: Replaying & { readonly onPage?: (counts: Replayed) => void },
): Promise<Replayed> {
  const { signal, onPage } = options
  let counts: Replayed = { looked: 0, published: 0, rejected: 0, refused: 0 }
  for await (const { records } of store.scan({ ...select, signal })) {
    const { looked, published, rejected, refused, ...refusal } = await replayPage(records, options)
    counts = {
      ...counts,
      looked: counts.looked + looked,
      published: counts.published + published,
      rejected: counts.rejected + rejected,
      refused: counts.refused + refused,
      ...refusal,
    }
    onPage?.(counts)
  }
  return counts
}

/** The same for a few records. Safe to repeat: what is published twice has the same id. */
export async function replayPage(
  records: readonly Stored[],
  { into, rules, name, number, signal }: Replaying,
): Promise<Replayed> {
  const accepted: Stored[] = []
  for (const record of records) {
    const verdict = interpret(record, await rules(record), record.verdict.by)
    if (verdict.status !== 'rejected') accepted.push({ ...record, verdict })
  }
  const messages = accepted.map((record) => ({
    key: subjectOf(record),
    body: encodeEvent(record, number(), idOf(record.key, name)),
  }))
  const refused = into === undefined || messages.length === 0 ? [] : await into.publish(messages, { signal })
  const refusal = refused.at(-1)?.message
  return {
    looked: records.length,
    published: accepted.length - refused.length,
    rejected: records.length - accepted.length,
    refused: refused.length,
    ...(refusal !== undefined && { refusal }),
  }
}

const idOf = (key: string, name: string): string => hash('sha256', `${key}:${name}`, 'hex').slice(0, 32)
