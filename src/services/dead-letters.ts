import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Operation } from 'rfc6902'
import { HeadwaterError, TransientError } from '../errors.ts'
import { encodeEvent, subjectOf } from '../event.ts'
import type { Queue } from '../queues/queue.ts'
import { newRejected } from '../review/compare.ts'
import { candidateOf, interpret, type Rules } from '../review/interpret.ts'
import type { LedgerEntry } from '../review/record.ts'
import type { Verdict } from '../review/verdict.ts'
import type { Store, Stored } from '../stores/store.ts'

export interface Redrive {
  readonly store: Store
  readonly reviews: Queue
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
  const row = await finishMarked(await find(key, options), options)
  const rules = await options.rules(row)
  const { by } = row.verdict
  const verdict = interpret(
    row,
    rules,
    review === undefined ? by : { ...by, patch: patchTo(review, row, rules) },
  )
  if (verdict.status === 'rejected') return { key, status: 'rejected', verdict }
  if (row.verdict.status !== 'rejected' && JSON.stringify(verdict) === JSON.stringify(row.verdict)) {
    return { key, status: 'accepted', verdict }
  }
  const marked = await amend(row, { ...verdict, unpublished: true }, options)
  const done = await finishMarked(marked, options)
  return { key, status: done.verdict.status === 'rejected' ? 'rejected' : 'published', verdict: done.verdict }
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

async function find(key: string, { store, signal }: Pick<Redrive, 'store' | 'signal'>): Promise<Stored> {
  const row = (await store.get([key], { signal })).get(key)
  if (row) return row
  throw new HeadwaterError(
    'NOT_FOUND',
    `${key}: no such record; \`headwater dlq list\` and \`headwater reviews list\` show keys`,
  )
}

/**
 * What was amended and may not have been published is published. What the queue will never take is a dead letter again,
 * with the queue's reason.
 */
async function finishMarked(row: Stored, options: Redrive): Promise<Stored> {
  if (row.verdict.unpublished === undefined) return row
  const { unpublished: _, ...verdict } = row.verdict
  const id = hash('sha256', `${row.key}:${row.revision}`, 'hex').slice(0, 32)
  const body = encodeEvent({ ...row, verdict }, options.number(), id)
  const [refused] = await options.reviews.publish([{ key: subjectOf({ ...row, verdict }), body }], {
    signal: options.signal,
  })
  return amend(row, refused ? newRejected(row, refused.code, refused.message) : verdict, options)
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
    const path = `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const value = review[field]
    if (value === undefined) return [{ op: 'remove', path }]
    if (!Object.hasOwn(found, field)) return [{ op: 'add', path, value }]
    return isDeepStrictEqual(found[field], value) ? [] : [{ op: 'replace', path, value }]
  })
}
