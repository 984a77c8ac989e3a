import { applyPatch, type Operation } from 'rfc6902'
import { clusterOf } from './cluster.ts'
import { type Identity, recordKey } from './key.ts'
import type { Received } from './received.ts'
import type { RawEncoding, ReviewRecord } from './record.ts'
import { sanitise } from './sanitise.ts'
import { allFaults, codeOf, isValid } from './validate.ts'
import type { Fault, Removal, Review, RuleVersions, Verdict } from './verdict.ts'

/** How one source's items are to be understood. Made from a preset by `compileRules`. */
export interface Rules {
  readonly versions: RuleVersions
  /** What is inside the item; never throws. */
  read(received: Received): Reading
  /**
   * The review as the preset finds it, before it is mended, sanitised and validated. The value itself where that is it, down
   * to the last member.
   */
  shape(reading: Readable, received: Received, key: string): Shaped
}

/** The item's content as far as it can be read. */
export type Reading = Readable | Unreadable

export interface Readable {
  readonly value: Readonly<Record<string, unknown>>
  /** The exact JSON text behind a pointer that the preset needs it for; undefined where there is nothing. */
  readonly token: (pointer: string) => string | undefined
  readonly identity: Identity
  readonly encoding: RawEncoding | undefined
  /** Whether this is a record of a CSV file, where every value is text. */
  readonly cells: boolean
  /** How many members the value has as it is written; those with the same key are counted apart. */
  readonly members: number
  /** What it says has happened to a review, where it is no review itself. */
  readonly event?: 'removed' | 'returned' | undefined
  /** Whether its texts hold nothing but printable ASCII, so that there is little to clean. */
  readonly tame: boolean
}

export interface Unreadable {
  readonly code: 'unreadable' | 'provider_error' | 'soft_blocked'
  readonly message: string
  readonly encoding: RawEncoding | undefined
}

export interface Shaped {
  readonly candidate: Readonly<Record<string, unknown>>
  readonly derived: readonly string[]
}

/** Judges an item on arrival: gives it its key for good, and its first verdict. */
export function judge(received: Received, rules: Rules): ReviewRecord {
  const reading = rules.read(received)
  const key = recordKey(received.origin, 'identity' in reading ? reading.identity : { content: received.raw })
  const { encoding } = reading
  const verdict = verdictOn(reading, received, key, rules)
  if (encoding === undefined) return { key, received, verdict }
  const isVerbatim = encoding === 'json' && verdict.status === 'accepted' && isItself(verdict.review, reading)
  return isVerbatim
    ? { key, received, verdict, encoding, verbatim: true }
    : { key, received, verdict, encoding }
}

const isItself = (review: Review, reading: Reading): boolean => 'value' in reading && review === reading.value

/** What this record is under these rules. Pure: the same input gives the same verdict for ever. */
export function interpret(
  record: Pick<ReviewRecord, 'key' | 'received'>,
  rules: Rules,
  patch?: readonly Operation[],
): Verdict {
  return verdictOn(rules.read(record.received), record.received, record.key, rules, patch)
}

/** The candidate that a patch by hand is made against; undefined where the item can't be read. */
export function candidateOf(
  { key, received }: Pick<ReviewRecord, 'key' | 'received'>,
  rules: Rules,
): Readonly<Record<string, unknown>> | undefined {
  const reading = rules.read(received)
  return 'identity' in reading ? rules.shape(reading, received, key).candidate : undefined
}

function verdictOn(
  reading: Reading,
  received: Received,
  key: string,
  rules: Rules,
  patch?: readonly Operation[],
): Verdict {
  const by = patch === undefined ? rules.versions : { ...rules.versions, patch }
  const readable = 'identity' in reading
  if (!readable && patch === undefined) {
    const errors = [{ pointer: '', keyword: reading.code, message: reading.message }]
    return reject(reading.code, errors, undefined, received, by)
  }
  const { candidate, derived } = readable ? rules.shape(reading, received, key) : NOTHING
  const mended = patch === undefined ? candidate : patched(candidate, patch)
  if (readable && reading.event !== undefined) return removal(reading.event, mended, received, by)
  const { clean, changes } = sanitise(mended, readable && reading.tame && patch === undefined)
  if (!isValid(clean)) {
    const errors = allFaults(clean)
    return reject(codeOf(errors[0]), errors, clean, received, by)
  }
  const accepted = { status: 'accepted', review: clean as Review, by } as const
  if (changes.length === 0 && derived.length === 0) return accepted
  return {
    ...accepted,
    ...(changes.length > 0 && { sanitised: changes }),
    ...(derived.length > 0 && { derived }),
  }
}

function removal(
  status: Removal['status'],
  { review_id: id, product_id: product, last_seen: lastSeen }: Readonly<Record<string, unknown>>,
  received: Received,
  by: RuleVersions,
): Verdict {
  if (!isName(id)) {
    const message = `review_id is missing, and without it nobody knows which review was ${status}`
    const errors = [{ pointer: '/review_id', keyword: 'required', message }]
    return reject('missing_review_id', errors, undefined, received, by)
  }
  return {
    status,
    review_id: id,
    ...(isName(product) && { product }),
    ...(typeof lastSeen === 'string' && { last_seen: lastSeen }),
    by,
  }
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 256 && value.isWellFormed()

const NOTHING: Shaped = { candidate: {}, derived: [] }

function patched(
  candidate: Readonly<Record<string, unknown>>,
  patch: readonly Operation[],
): Record<string, unknown> {
  // Only lists are reached into; a deep copy would fail on what is nested deeper than the stack is.
  const entries = Object.entries(candidate).map(([field, value]) => [
    field,
    Array.isArray(value) ? [...(value as readonly unknown[])] : value,
  ])
  const copy = Object.fromEntries(entries) as Record<string, unknown>
  // An operation that no longer fits changes nothing; the schema then says what is still missing.
  applyPatch(copy, [...patch])
  return copy
}

function reject(
  code: string,
  errors: readonly Fault[],
  candidate: Readonly<Record<string, unknown>> | undefined,
  received: Received,
  by: RuleVersions,
): Verdict {
  const product = candidate?.['product_id']
  const known = typeof product === 'string' && product.length > 0 && product.length <= 256
  const cluster = clusterOf({ origin: received.origin, preset: by.preset, code, fault: errors[0], candidate })
  return { status: 'rejected', code, errors, cluster, by, ...(known && { product }) }
}
