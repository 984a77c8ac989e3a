import { applyPatch, type Operation } from 'rfc6902'
import { clusterOf } from './cluster.ts'
import { codeOf } from './fault.ts'
import { type Identity, recordKey } from './key.ts'
import type { Received } from './received.ts'
import type { RawEncoding, ReviewRecord } from './record.ts'
import { isFor, type Repair, type Repairable, type Step } from './repair.ts'
import { sanitise } from './sanitise.ts'
import type { Validator } from './validate.ts'
import type { Change, Fault, Removal, Review, RuleVersions, Verdict } from './verdict.ts'

/** How one source's items are to be understood. Made from a preset by `compileRules`. */
export interface Rules {
  readonly versions: RuleVersions
  /** Says which candidates are reviews. */
  readonly validator: Validator
  /** What is inside the item; never throws. */
  read(received: Received): Reading
  /**
   * The review as the preset finds it, before it is mended, sanitised and validated. The value itself where that is it, down
   * to the last member.
   */
  shape(reading: Readable, received: Received, key: string): Shaped
  /** Repairs that the source keeps, for whatever has their fault. */
  readonly repairs: readonly Repair[]
  /** Does the steps of a repair to a copy of the candidate. */
  repair(document: Repairable, steps: readonly Step[]): Readonly<Record<string, unknown>>
}

/** What is tied to a record and applied in every interpretation of it: repairs, then a patch by hand. */
export type Mending = Pick<RuleVersions, 'repairs' | 'patch'>

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

/**
 * What this record is under these rules, with the mending of the verdict that it has, or another. Pure: the same input gives
 * the same verdict for ever.
 */
export function interpret(
  record: Pick<ReviewRecord, 'key' | 'received'>,
  rules: Rules,
  mending: Mending = {},
): Verdict {
  return verdictOn(rules.read(record.received), record.received, record.key, rules, mending)
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
  { repairs = [], patch }: Mending = {},
): Verdict {
  const by = patch === undefined ? rules.versions : { ...rules.versions, patch }
  const readable = 'identity' in reading
  if (!readable && patch === undefined) {
    const errors = [{ pointer: '', keyword: reading.code, message: reading.message }]
    return reject(reading.code, errors, undefined, received, by)
  }
  const { candidate, derived } = readable ? rules.shape(reading, received, key) : NOTHING
  const written = patch === undefined ? candidate : patched(candidate, patch)
  if (readable && reading.event !== undefined) return removal(reading.event, written, received, by)
  const tame = readable && reading.tame && patch === undefined
  const found = checked(written, tame, rules.validator)
  const { clean, changes, faults, used } =
    found.faults === undefined ? found : mended(found, repairs, reading, received, rules)
  const versions = used === undefined ? by : { ...by, repairs: used }
  if (faults !== undefined) return reject(codeOf(faults[0]), faults, clean, received, versions)
  const accepted = { status: 'accepted', review: clean as Review, by: versions } as const
  if (changes.length === 0 && derived.length === 0) return accepted
  return {
    ...accepted,
    ...(changes.length > 0 && { sanitised: changes }),
    ...(derived.length > 0 && { derived }),
  }
}

interface Checked {
  readonly clean: Readonly<Record<string, unknown>>
  readonly changes: readonly Change[]
  /** Undefined where it is valid. */
  readonly faults: readonly Fault[] | undefined
  /** The repairs that were applied, if any. */
  readonly used?: readonly Repair[]
}

function checked(candidate: Readonly<Record<string, unknown>>, tame: boolean, validator: Validator): Checked {
  const { clean, changes } = sanitise(candidate, tame)
  return { clean, changes, faults: validator.isValid(clean) ? undefined : validator.allFaults(clean) }
}

/**
 * Applies each repair whose fault is there, once: those that are tied to the record first, then those of the source. A
 * repair may uncover a fault that another one mends.
 */
function mended(
  found: Checked,
  tied: readonly Repair[],
  reading: Reading,
  { context }: Received,
  rules: Rules,
): Checked {
  const own = tied.filter(({ kept }) => kept !== true)
  const left = [...own, ...rules.repairs.filter(({ id }) => !own.some((repair) => repair.id === id))]
  const item = 'value' in reading ? reading.value : undefined
  const used: Repair[] = []
  let now = found
  while (now.faults !== undefined) {
    const { faults } = now
    const next = left.findIndex((repair) => isFor(repair, faults))
    const [repair] = next === -1 ? [] : left.splice(next, 1)
    if (repair === undefined) break
    used.push(repair)
    const { changes } = now
    const again = checked(
      rules.repair({ review: now.clean, item, context }, repair.steps),
      false,
      rules.validator,
    )
    now = { ...again, changes: [...changes, ...again.changes] }
  }
  return used.length === 0 ? found : { ...now, used }
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
