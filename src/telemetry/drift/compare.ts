import { type Kind, KINDS } from './fields.ts'
import { type Field, fieldIn, filledOf, filledShare, kindShare, objectsFor, type Profile } from './profile.ts'

/** How items are now, over a short time and over longer ones. */
export interface Present {
  readonly latest: Profile
  readonly hour: Profile
  readonly day: Profile
}

/** Every way in which a field can drift. */
export const DRIFTS = ['type', 'new', 'gone', 'emptier'] as const
export type DriftKind = (typeof DRIFTS)[number]

/** A field that is not what it was. JSON. */
export interface Drift {
  readonly kind: DriftKind
  /** A JSON pointer into the item as it is received, in which `*` is any entry of a list. */
  readonly field: string
  /** For `type`: what it has become. */
  readonly type?: Kind
  readonly was: Field
  readonly now: Field
}

/** What is known of fewer items says nothing. */
export const ENOUGH_KNOWN = 500
/** What came lately of a field has to be so often to say something. */
const ENOUGH_LATELY = 50
/** Items of one product come together and have much in common: a small share, or what is missing, is told of many more. */
const ENOUGH_FOR_LITTLE = 1_000
const ENOUGH_TO_MISS = 200
/** A field that is rarer may have been seen of one product alone. */
const ENOUGH_OF_A_FIELD = 300

/** A type that was as rare as that, and whose share is so many times as large now. */
const RARE_TYPE = 0.05
const TIMES_AS_LARGE = 10
/** The share of the last items that counts as a change, and that of many items. */
const LARGE_TYPE = { lately: 0.25, ofMany: 0.1 }
const LARGE_FIELD = { lately: 0.4, ofMany: 0.2 }
/** A field that was rarer may be missing for a while. */
const USUAL_FIELD = 0.5
const NEVER = 0.01
/** From a share to another one that is so much smaller. */
const LARGE_LOSS = 0.3

/** All that has drifted. Pure. Says nothing as long as too little is known. */
export function compare(known: Profile, present: Present): readonly Drift[] {
  if (known.samples < ENOUGH_KNOWN) return []
  const pointers = new Set([known, ...Object.values(present)].flatMap(({ fields }) => Object.keys(fields)))
  return [...pointers].flatMap((field) => driftOf(field, known, present) ?? [])
}

function driftOf(field: string, known: Profile, { latest, hour, day }: Present): Drift | undefined {
  const was = fieldIn(known, field)
  const seen = { lately: fieldIn(latest, field), longer: [fieldIn(hour, field), fieldIn(day, field)] }
  if (known.fields[field] !== undefined) return typeDrift(field, was, seen) ?? loss(field, was, seen)
  if (objectsFor(known, field) < ENOUGH_KNOWN || field.endsWith('/*')) return undefined
  const now = firstOf(seen, ({ of }) => of, LARGE_FIELD, filledShare)
  return now && { kind: 'new', field, was, now }
}

interface Seen {
  readonly lately: Field
  /** The shorter time first. */
  readonly longer: readonly Field[]
}

function typeDrift(field: string, was: Field, seen: Seen): Drift | undefined {
  if (filledOf(was) < ENOUGH_OF_A_FIELD) return undefined
  for (const type of KINDS.filter((kind) => kind !== 'null' && kindShare(was, kind) <= RARE_TYPE)) {
    const least = TIMES_AS_LARGE * kindShare(was, type)
    const shareOf = (one: Field): number => {
      const share = kindShare(one, type)
      return share >= least ? share : 0
    }
    const now = firstOf(seen, filledOf, LARGE_TYPE, shareOf)
    if (now) return { kind: 'type', field, type, was, now }
  }
  return undefined
}

function loss(field: string, was: Field, { longer }: Seen): Drift | undefined {
  const now = longer.find(({ of }) => of >= ENOUGH_TO_MISS)
  if (!now || was.of < ENOUGH_KNOWN || filledShare(was) < USUAL_FIELD) return undefined
  if (filledShare(now) < NEVER) return { kind: 'gone', field, was, now }
  return filledShare(was) - filledShare(now) >= LARGE_LOSS ? { kind: 'emptier', field, was, now } : undefined
}

/** The shortest time that shows a large enough share of enough. */
function firstOf(
  { lately, longer }: Seen,
  countOf: (one: Field) => number,
  large: { readonly lately: number; readonly ofMany: number },
  shareOf: (one: Field) => number,
): Field | undefined {
  if (countOf(lately) >= ENOUGH_LATELY && shareOf(lately) >= large.lately) return lately
  const many = longer.find((one) => countOf(one) >= ENOUGH_FOR_LITTLE)
  return many && shareOf(many) >= large.ofMany ? many : undefined
}
