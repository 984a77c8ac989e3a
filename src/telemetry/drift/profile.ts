import { KINDS, type Kind, parentOf } from './fields.ts'

/** How often each field was seen as what. */
export interface Counts {
  readonly samples: number
  readonly fields: Readonly<Record<string, KindCounts>>
}

/** In the order of `KINDS`. */
export type KindCounts = readonly number[]

/** What items look like. JSON. */
export interface Profile {
  readonly samples: number
  readonly fields: Readonly<Record<string, Field>>
}

export interface Field {
  /** How often it could have been there: the objects that it is a member of. */
  readonly of: number
  readonly kinds: KindCounts
}

export const NOTHING: Profile = { samples: 0, fields: {} }

/** The same, with how often each field could have been there. */
export function profileOf(counts: Counts): Profile {
  const all = Object.entries(counts.fields).map(([pointer, kinds]) => {
    const parent = parentOf(pointer)
    const objects = parent === '' ? counts.samples : countOf(counts.fields[parent], 'object')
    return [pointer, { of: placesFor(pointer, objects, kinds), kinds }] as const
  })
  return { samples: counts.samples, fields: Object.fromEntries(all) }
}

/** An entry of a list is there wherever it could be. */
const placesFor = (pointer: string, objects: number, kinds: KindCounts): number =>
  pointer.endsWith('/*') ? sum(kinds) : Math.max(objects, sum(kinds))

/** A field as it is in a profile; one that was never seen has its places all the same. */
export function fieldIn(profile: Profile, pointer: string): Field {
  const known = profile.fields[pointer]
  if (known) return known
  return { of: pointer.endsWith('/*') ? 0 : objectsFor(profile, pointer), kinds: KINDS.map(() => 0) }
}

/** How many objects there were that could have had the field as a member. */
export function objectsFor({ samples, fields }: Profile, pointer: string): number {
  const parent = parentOf(pointer)
  return parent === '' ? samples : countOf(fields[parent]?.kinds, 'object')
}

/** Both together, of the fields that are meant; the others stay as they are in the first. */
export function joined(a: Profile, b: Profile, isMeant: (pointer: string) => boolean = () => true): Profile {
  const pointers = new Set([...Object.keys(a.fields), ...Object.keys(b.fields)])
  const fields: Record<string, Field> = { ...a.fields }
  for (const pointer of pointers) {
    if (!isMeant(pointer)) continue
    const [one, other] = [fieldIn(a, pointer), fieldIn(b, pointer)]
    fields[pointer] = {
      of: one.of + other.of,
      kinds: one.kinds.map((count, n) => count + (other.kinds[n] ?? 0)),
    }
  }
  return { samples: a.samples + b.samples, fields }
}

export const countOf = (kinds: KindCounts | undefined, kind: Kind): number =>
  kinds?.[KINDS.indexOf(kind)] ?? 0

/** How often it was there, and not null. */
export const filledOf = ({ kinds }: Field): number => sum(kinds) - countOf(kinds, 'null')

/** The share of the places in which it was there, and not null. */
export const filledShare = (field: Field): number => (field.of === 0 ? 0 : filledOf(field) / field.of)

/** Of what was there, the share that was of this kind. */
export function kindShare(field: Field, kind: Kind): number {
  const filled = filledOf(field)
  return filled === 0 ? 0 : countOf(field.kinds, kind) / filled
}

const sum = (counts: KindCounts): number => counts.reduce((total, count) => total + count, 0)
