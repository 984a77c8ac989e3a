import { hash } from 'node:crypto'
import { encodeEvent, subjectOf } from '../event.ts'
import type { Queue } from '../queues/queue.ts'
import { interpret, type Rules } from '../review/interpret.ts'
import type { LedgerEntry } from '../review/record.ts'
import type { Scan, Store, Stored } from '../stores/store.ts'

export interface Replay {
  readonly store: Store
  readonly select: Scan
  readonly into: Pick<Queue, 'publish'>
  readonly rules: (record: Stored) => Promise<Rules>
  /** Numbers a publication. Its run names the replay: every replay's events have ids of their own. */
  readonly number: () => LedgerEntry
  readonly signal: AbortSignal
  /** Looks and counts, and publishes nothing. */
  readonly dryRun: boolean
  readonly onPage?: (counts: Replayed) => void
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

/**
 * Interprets stored records again from raw, by the rules of today and with the repairs that were made by hand, and
 * publishes those that are accepted. Changes nothing in the store; in memory it holds one page.
 */
export async function replay(options: Replay): Promise<Replayed> {
  const { store, select, into, rules, number, signal, dryRun, onPage } = options
  let counts: Replayed = { looked: 0, published: 0, rejected: 0, refused: 0 }
  for await (const { records } of store.scan({ ...select, signal })) {
    const accepted: Stored[] = []
    for (const record of records) {
      const verdict = interpret(record, await rules(record), record.verdict.by)
      if (verdict.status !== 'rejected') accepted.push({ ...record, verdict })
    }
    const messages = accepted.map((record) => {
      const entry = number()
      return { key: subjectOf(record), body: encodeEvent(record, entry, idOf(record.key, entry.run)) }
    })
    const refused = dryRun || messages.length === 0 ? [] : await into.publish(messages, { signal })
    const refusal = refused.at(-1)?.message ?? counts.refusal
    counts = {
      looked: counts.looked + records.length,
      published: counts.published + accepted.length - refused.length,
      rejected: counts.rejected + records.length - accepted.length,
      refused: counts.refused + refused.length,
      ...(refusal !== undefined && { refusal }),
    }
    onPage?.(counts)
  }
  return counts
}

const idOf = (key: string, run: string): string => hash('sha256', `${key}:${run}`, 'hex').slice(0, 32)
