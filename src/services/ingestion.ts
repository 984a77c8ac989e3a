import type { Outcome, Refusal, Rejection } from '../batch.ts'
import { encodeEvent, sentenceOf, subjectOf } from '../event.ts'
import { createKeySet } from '../lib/key-set.ts'
import { formatBytes } from '../lib/units.ts'
import { pump, type Watch } from '../pump.ts'
import type { Message, Queue } from '../queues/queue.ts'
import { newRejected } from '../review/compare.ts'
import { judge, type Rules } from '../review/interpret.ts'
import { MAX_RAW_BYTES, type Received } from '../review/received.ts'
import type { LedgerEntry, ReviewRecord } from '../review/record.ts'
import type { RuleVersions, Verdict } from '../review/verdict.ts'
import type { Source } from '../sources/source.ts'
import type { Suppression } from './suppression.ts'

export interface Ingestion {
  readonly source: Pick<Source, 'read'>
  /** The rules of now: they change while a source runs, and a batch keeps those that it began with. */
  readonly rules: () => Rules
  readonly reviews: Queue
  readonly deadLetters: Queue
  /** What was published before and needn't be again: an optimisation, never a decision. */
  readonly seen: Seen
  /** Reviews that were erased for good: they come out as unchanged. */
  readonly suppression: Pick<Suppression, 'has'>
  /** Numbers a publication. */
  readonly number: () => LedgerEntry
  /** Keeps, as dead letters, items that are too large for the queue. */
  readonly keepOversize: (records: readonly ReviewRecord[], signal: AbortSignal) => Promise<void>
  /** Looks at what came in. Never throws. */
  readonly observe?: (items: readonly Received[]) => void
  /** Told of every batch that is safe, with an outcome an item. */
  readonly onSafe?: (outcomes: readonly Outcome[]) => void
  readonly watch?: Watch
}

/**
 * Which items were published, and by which rules: under newer ones they are published again, so that their verdict can change. An item
 * that is accepted was not seen where only a faulty one with its key was.
 */
export interface Seen {
  has(item: Judged, by: RuleVersions): boolean
  add(item: Judged, by: RuleVersions): void
}

interface Judged {
  readonly key: string
  readonly isRejected: boolean
}

/** Remembers about as many as `capacity`. */
export function rememberSeen(capacity: number): Seen {
  const keys = createKeySet(capacity)
  const marks = new Map<RuleVersions, number>()

  /** The items of one source have the versions of one object; where two say the same, nothing worse than a repeat comes of it. */
  function markOf(by: RuleVersions): number {
    const mark = marks.get(by) ?? 2 * marks.size
    marks.set(by, mark)
    return mark
  }
  return {
    has({ key, isRejected }, by) {
      const mark = markOf(by)
      return keys.has(key, mark) || (isRejected && keys.has(key, mark + 1))
    },
    add: ({ key, isRejected }, by) => keys.add(key, markOf(by) + Number(isRejected)),
  }
}

export const NOTHING_SEEN: Seen = { has: () => false, add: () => {} }

/**
 * What goes to one queue in one call: the same messages under the same numbers, however often it is tried. What was judged is
 * not kept meanwhile: it is most of the memory, and hardly ever needed again.
 */
interface Parcel {
  readonly queue: Queue
  readonly items: readonly Received[]
  readonly ledgers: readonly LedgerEntry[]
  readonly messages: readonly Message[]
  /** What the queue refused of it; known once the rest is safe there. */
  refused?: readonly Rejection[]
}

/** An item that no message of its queue can hold, and why. */
interface Excess {
  readonly received: Received
  readonly ledger: LedgerEntry
  readonly refusal: Refusal
}

/** Source to queues: each item is judged once, published once, and only then acknowledged. */
export function ingest(parts: Ingestion, stop: AbortSignal, kill: AbortSignal): Promise<void> {
  const { source, reviews, deadLetters, seen, suppression, number, keepOversize } = parts
  const { observe, onSafe, watch } = parts

  function prepare(items: readonly Received[]): Prepared {
    observe?.(items)
    const rules = parts.rules()
    const published: Judged[] = []
    const outcomes: Outcome[] = []
    const accepted = emptyParcel(reviews)
    const rejected = emptyParcel(deadLetters)
    const excess: Excess[] = []
    for (const received of items) {
      const record = judge(received, rules)
      const isRejected = record.verdict.status === 'rejected'
      const judged = { key: record.key, isRejected }
      if (seen.has(judged, rules.versions) || suppression.has(record.key)) {
        outcomes.push('unchanged')
        continue
      }
      const ledger = number()
      const parcel = isRejected ? rejected : accepted
      const refusal = tooLarge(received, parcel.queue)
      if (refusal) excess.push({ received, ledger, refusal })
      else {
        parcel.items.push(received)
        parcel.ledgers.push(ledger)
        parcel.messages.push({ key: subjectOf(record), body: encodeEvent(record, ledger) })
      }
      published.push(judged)
      outcomes.push(outcomeOf(record.verdict))
    }
    const parcels = [accepted, rejected].filter(({ messages }) => messages.length > 0)
    return { items, rules, published, outcomes, parcels, excess }
  }

  async function publish(parcel: Parcel, batch: Prepared, signal: AbortSignal): Promise<void> {
    parcel.refused ??= await parcel.queue.publish(parcel.messages, { signal })
    const excess = parcel.refused.flatMap(({ index, ...refusal }): Excess[] => {
      const [received, ledger] = [parcel.items[index], parcel.ledgers[index]]
      return received === undefined || ledger === undefined ? [] : [{ received, ledger, refusal }]
    })
    await keep(excess, batch, signal)
  }

  async function keep(
    excess: readonly Excess[],
    { items, rules, outcomes }: Prepared,
    signal: AbortSignal,
  ): Promise<void> {
    if (excess.length === 0) return
    const dead = excess.map(({ received, ledger, refusal: { code, message } }) => {
      const record = { ...judge(received, rules), ledger }
      return { ...record, verdict: newRejected(record, code, message) }
    })
    await keepOversize(dead, signal)
    for (const { received, verdict } of dead) outcomes[items.indexOf(received)] = outcomeOf(verdict)
  }

  /** A batch that is tried again is the same array. */
  const prepared = new WeakMap<readonly Received[], Prepared>()

  return pump({
    from: source.read({ signal: stop }),
    signal: kill,
    inFlight: 1, // one publish at a time, so that a retry can't be overtaken
    ...(watch && { watch }),
    async into(items, signal): Promise<readonly Outcome[]> {
      const batch = prepared.get(items) ?? prepare(items)
      prepared.set(items, batch)
      await allDone([
        ...batch.parcels.map((parcel) => publish(parcel, batch, signal)),
        keep(batch.excess, batch, signal),
      ])
      for (const judged of batch.published) seen.add(judged, batch.rules.versions)
      onSafe?.(batch.outcomes)
      return batch.outcomes
    },
  })
}

interface Prepared {
  readonly items: readonly Received[]
  readonly rules: Rules
  readonly published: readonly Judged[]
  /** One an item; another one where it turns out that no message can hold it. */
  readonly outcomes: Outcome[]
  readonly parcels: readonly Parcel[]
  /** Of these no message was made. */
  readonly excess: readonly Excess[]
}

const emptyParcel = (queue: Queue) => ({
  queue,
  items: [] as Received[],
  ledgers: [] as LedgerEntry[],
  messages: [] as Message[],
})

/** Said before an event is made of it, which takes more memory than the item, and may be longer than any text. */
function tooLarge({ raw }: Received, { maxMessageBytes }: Queue): Refusal | undefined {
  const most = Math.min(maxMessageBytes, MAX_RAW_BYTES)
  if (raw.length <= most) return undefined
  const message = `The item has ${formatBytes(raw.length)}, and the queue takes at most ${formatBytes(most)}.`
  return { code: 'message_too_large', message }
}

/** Waits for all of them, also where one fails: nothing is still under way when it is tried again. */
async function allDone(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

function outcomeOf(verdict: Verdict): Outcome {
  if (verdict.status !== 'rejected') return 'accepted'
  return { code: verdict.code, message: sentenceOf(verdict), errors: verdict.errors }
}
