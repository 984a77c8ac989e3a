import { type Kind, KINDS } from './fields.ts'
import {
  countOf,
  type Field,
  fieldIn,
  filledOf,
  filledShare,
  kindShare,
  objectsFor,
  type Profile,
} from './profile.ts'

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
/** A field must have been there, or could have been, so often lately. */
const ENOUGH_LATELY = 50
/** Items of one product have much in common: what is missing is told of many more. */
const ENOUGH_TO_MISS = 200
const ENOUGH_OF_A_TYPE = 20

/** A type that was as rare as that, and has so large a share now, and so many times as large a one. */
const RARE_TYPE = 0.05
const LARGE_TYPE = 0.1
const TIMES_AS_LARGE = 10
/** A new field that is rarer is no change of the format. */
const LARGE_FIELD = 0.2
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
  const all = [latest, hour, day].map((profile) => fieldIn(profile, field))
  if (known.fields[field] === undefined) {
    const now = all.find(({ of }) => of >= ENOUGH_LATELY)
    const isKnownPlace = objectsFor(known, field) >= ENOUGH_KNOWN && !field.endsWith('/*')
    return isKnownPlace && now && filledShare(now) >= LARGE_FIELD
      ? { kind: 'new', field, was, now }
      : undefined
  }
  const shown = all.find((one) => filledOf(one) >= ENOUGH_LATELY)
  const type = shown && newTypeOf(was, shown)
  if (shown && type) return { kind: 'type', field, type, was, now: shown }
  const now = all.slice(1).find(({ of }) => of >= ENOUGH_TO_MISS)
  if (!now || was.of < ENOUGH_KNOWN || filledShare(was) < USUAL_FIELD) return undefined
  if (filledShare(now) < NEVER) return { kind: 'gone', field, was, now }
  return filledShare(was) - filledShare(now) >= LARGE_LOSS ? { kind: 'emptier', field, was, now } : undefined
}

function newTypeOf(was: Field, now: Field): Kind | undefined {
  if (filledOf(was) < ENOUGH_LATELY) return undefined
  return KINDS.find(
    (kind) =>
      kind !== 'null' &&
      countOf(now.kinds, kind) >= ENOUGH_OF_A_TYPE &&
      kindShare(was, kind) <= RARE_TYPE &&
      kindShare(now, kind) >= Math.max(LARGE_TYPE, TIMES_AS_LARGE * kindShare(was, kind)),
  )
}
