import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Operation } from 'rfc6902'
import { HeadwaterError, TransientError } from '../errors.ts'
import { encodeEvent, subjectOf } from '../event.ts'
import { segmentOf } from '../lib/pointer.ts'
import { inParallel } from '../lib/parallel.ts'
import type { Message, Queue } from '../queues/queue.ts'
import { newRejected } from '../review/compare.ts'
import { candidateOf, interpret, type Rules } from '../review/interpret.ts'
import type { LedgerEntry } from '../review/record.ts'
import { type Repair, tie } from '../review/repair.ts'
import { isWaiting, type Rejected, type Verdict } from '../review/verdict.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store, Stored } from '../stores/store.ts'
import { erasedAmong } from './suppression.ts'

export interface Redrive {
  readonly store: Store
  /** Says which reviews are erased for good: nothing of them is published. */
  readonly registry: Pick<Registry, 'get'>
  readonly reviews: Pick<Queue, 'publish'>
  readonly rules: (record: Stored) => Promise<Rules>
  readonly number: () => LedgerEntry
  readonly signal: AbortSignal
}

export interface Redriven {
  readonly key: string
  /** `published`: accepted now, and in the queue. `accepted`: it was already, and nothing was to be done. */
  readonly status: 'published' | 'accepted' | 'rejected'
  readonly verdict: Verdict
}

/** What the log of changes says of a redrive that has not published what it was to publish. */
export const unlessPublished = ({ status }: Redriven): { readonly status: string } | undefined =>
  status === 'published' ? undefined : { status }

/** As many verdicts are written at the same time: some databases take a round trip for each. */
const AMENDED_AT_ONCE = 100
/** So much is handed to the queue in one call, or one message. */
const PUBLISHED_BYTES = 4 * 1024 * 1024

/**
 * Interprets a record again, with the review that a person wrote for it if there is one, and publishes it where it is
 * accepted now: amend with a mark, publish, clear the mark. Whatever ends it in between, doing it again finishes it; what
 * is published twice has the same id. Raw and key never change.
 */
export async function redrive(
  key: string,
  options: Redrive,
  review?: Readonly<Record<string, unknown>>,
): Promise<Redriven> {
  const found = await find(key, options)
  if ((await erasedAmong([key], options.registry, options)).has(key)) {
    const message = `${key}: its review is to be erased for good; \`headwater reviews erase ${key}\` finishes that`
    throw new HeadwaterError('NOT_FOUND', message)
  }
  const row = await finishMarked(found, options)
  const rules = await options.rules(row)
  const { by } = row.verdict
  const verdict = interpret(
    row,
    rules,
    review === undefined ? by : { ...by, patch: patchTo(review, row, rules) },
  )
  if (verdict.status === 'rejected') return { key, status: 'rejected', verdict }
  if (row.verdict.status !== 'rejected' && JSON.stringify(verdict) === JSON.stringify(row.verdict)) {
    return { key, status: isOwed(found) ? 'published' : 'accepted', verdict }
  }
  return redrivenOf(await finishMarked(await mark(row, verdict, options), options))
}

/**
 * Redrives dead letters together, in as few calls of the queue as their size allows, each with the repair tied to it if
 * there is one. What waits no longer to be mended is left alone, but for a publication that is owed; what is still rejected
 * stays as it is; what is to be erased for good is left out. Throws CONFLICT where somebody else changed one of them: what is read anew may be tried again.
 */
export async function redriveAll(
  rows: readonly Stored[],
  options: Redrive,
  repair?: Repair,
): Promise<readonly Redriven[]> {
  const erased = await erasedAmong(
    rows.map(({ key }) => key),
    options.registry,
    options,
  )
  const finished = await finishAll(
    rows.filter(({ key }) => !erased.has(key)),
    options,
  )
  const owed = new Set(rows.filter(isOwed).map(({ key }) => key))
  const done: Redriven[] = []
  const accepted: [Stored, Verdict][] = []
  for (const row of finished) {
    const { key, verdict: was } = row
    const mending = repair === undefined ? was.by : tie(was.by, repair)
    const verdict = isWaiting(was) ? interpret(row, await options.rules(row), mending) : was
    if (verdict.status === 'rejected') done.push({ key, status: 'rejected', verdict })
    else if (verdict === was) done.push({ key, status: owed.has(key) ? 'published' : 'accepted', verdict })
    else accepted.push([row, verdict])
  }
  const marked = await inParallel(accepted, ([row, verdict]) => mark(row, verdict, options), AMENDED_AT_ONCE)
  return [...done, ...(await finishAll(marked, options)).map(redrivenOf)]
}

/** A person decides that a dead letter needn't be mended, and says why. It stays in the store. */
export async function discard(
  key: string,
  reason: string,
  options: Pick<Redrive, 'store' | 'signal'>,
  now: number,
): Promise<Stored> {
  const row = await find(key, options)
  if (row.verdict.status !== 'rejected')
    throw new HeadwaterError('USAGE', `${key} is no dead letter: it is ${row.verdict.status}`)
  return amend(row, { ...row.verdict, discarded: { reason, at: new Date(now).toISOString() } }, options)
}

/**
 * Discards those that wait to be mended, and resolves to how many of them are discarded now. Throws CONFLICT where somebody
 * else changed one of them: what is read anew may be tried again.
 */
export async function discardAll(
  rows: readonly Stored[],
  reason: string,
  options: Pick<Redrive, 'store' | 'signal'>,
  now: number,
): Promise<number> {
  const discarded = { reason, at: new Date(now).toISOString() }
  await inParallel(
    rows.filter(({ verdict }) => isWaiting(verdict)),
    (row) => amend(row, { ...(row.verdict as Rejected), discarded }, options),
    AMENDED_AT_ONCE,
  )
  return rows.filter(({ verdict }) => verdict.status === 'rejected').length
}

async function find(key: string, { store, signal }: Pick<Redrive, 'store' | 'signal'>): Promise<Stored> {
  const row = (await store.get([key], { signal })).get(key)
  if (row) return row
  throw new HeadwaterError(
    'NOT_FOUND',
    `${key}: no such record; \`headwater dlq list\` and \`headwater reviews list\` show keys`,
  )
}

/** It was mended by a redrive that ended before it had published it. */
const isOwed = ({ verdict }: Stored): boolean => verdict.unpublished === true

/** A letter whose verdict the store can't hold stays what it is; resolves to it with the store's reason. */
async function mark(row: Stored, verdict: Verdict, options: Redrive): Promise<Stored> {
  try {
    return await amend(row, { ...verdict, unpublished: true }, options)
  } catch (error) {
    const isRefused = error instanceof HeadwaterError && error.code === 'STORE_REFUSED'
    if (!isRefused || row.verdict.status !== 'rejected') throw error
    return { ...row, verdict: newRejected({ ...row, verdict }, 'too_large', error.message) }
  }
}

const redrivenOf = ({ key, verdict }: Stored): Redriven => ({
  key,
  status: verdict.status === 'rejected' ? 'rejected' : 'published',
  verdict,
})

async function finishMarked(row: Stored, options: Redrive): Promise<Stored> {
  return (await finishAll([row], options))[0] ?? row
}

/**
 * What was amended and may not have been published is published. What the queue will never take is a dead letter again,
 * with the queue's reason. Resolves to all rows as they are then, in their order.
 */
async function finishAll(rows: readonly Stored[], options: Redrive): Promise<readonly Stored[]> {
  const finished = new Map<string, Stored>()
  const marked = rows.filter(isOwed)
  for (const portion of portionsOf(marked)) {
    const unmarked = portion.map((row) => ({ ...row, verdict: withoutMark(row.verdict) }))
    const refused = await options.reviews.publish(
      unmarked.map((row) => messageOf(row, options.number())),
      { signal: options.signal },
    )
    const refusals = new Map(refused.map((refusal) => [refusal.index, refusal]))
    const amended = await inParallel(
      [...portion.keys()],
      (n) => {
        const [row, refusal] = [unmarked[n] as Stored, refusals.get(n)]
        const verdict = refusal ? newRejected(row, refusal.code, refusal.message) : row.verdict
        return amend(row, verdict, options)
      },
      AMENDED_AT_ONCE,
    )
    for (const row of amended) finished.set(row.key, row)
  }
  return rows.map((row) => finished.get(row.key) ?? row)
}

/** The same revision is the same publication, whoever makes it and however often. */
function messageOf(row: Stored, entry: LedgerEntry): Message {
  const id = hash('sha256', `${row.key}:${row.revision}`, 'hex').slice(0, 32)
  return { key: subjectOf(row), body: encodeEvent(row, entry, id) }
}

function* portionsOf(rows: readonly Stored[]): Generator<readonly Stored[]> {
  let portion: Stored[] = []
  let bytes = 0
  for (const row of rows) {
    if (portion.length > 0 && bytes + row.received.raw.length > PUBLISHED_BYTES) {
      yield portion
      ;[portion, bytes] = [[], 0]
    }
    portion.push(row)
    bytes += row.received.raw.length
  }
  if (portion.length > 0) yield portion
}

function withoutMark({ unpublished: _, ...verdict }: Verdict): Verdict {
  return verdict
}

async function amend(
  row: Stored,
  verdict: Verdict,
  { store, signal }: Pick<Redrive, 'store' | 'signal'>,
): Promise<Stored> {
  if (await store.amend(row.key, row.revision, verdict, { signal }))
    return { ...row, verdict, revision: row.revision + 1 }
  throw new TransientError('CONFLICT', `${row.key}: somebody else changed it at the same time; try again`)
}

/**
 * What a person changed, field by field, against what the preset finds by itself: it holds for every later
 * interpretation. Nothing compares two lists entry by entry, since the sender chooses how many there are.
 */
function patchTo(review: Readonly<Record<string, unknown>>, row: Stored, rules: Rules): readonly Operation[] {
  const found = candidateOf(row, rules) ?? {}
  return [...new Set([...Object.keys(found), ...Object.keys(review)])].flatMap((field): Operation[] => {
    const path = `/${segmentOf(field)}`
    const value = review[field]
    if (value === undefined) return [{ op: 'remove', path }]
    if (!Object.hasOwn(found, field)) return [{ op: 'add', path, value }]
    return isDeepStrictEqual(found[field], value) ? [] : [{ op: 'replace', path, value }]
  })
}
