import { hash } from 'node:crypto'
import type { ReviewField } from './fields.ts'
import type { Fault } from './verdict.ts'

/**
 * How to mend one fault, as data. It is applied only where that fault would reject an item, so that it never touches what
 * is valid without it.
 */
export interface Repair {
  /** 12 hex digits of what it mends and how. */
  readonly id: string
  readonly mends: Pick<Fault, 'pointer' | 'keyword'>
  readonly steps: readonly Step[]
  /** It is a rule that the source keeps, and is not tied to the record: without the rule it is not applied again. */
  readonly kept?: true
}

/**
 * One step of a repair, done to a field of the candidate. A pointer leads into `{ review, item, context }`: the candidate so
 * far, the item as it was received, and what was known on arrival. What leads nowhere changes nothing.
 */
export type Step =
  /** Whatever it was. */
  | { readonly set: ReviewField; readonly to: Scalar }
  /** Where there is nothing, or null. */
  | { readonly default: ReviewField; readonly to: Scalar }
  | { readonly default: ReviewField; readonly from: string }
  | { readonly copy: string; readonly to: ReviewField }
  | { readonly move: ReviewField; readonly to: ReviewField }
  | { readonly remove: ReviewField }
  /** Reads it by a parser of the presets, such as `stars`. */
  | { readonly parse: ReviewField; readonly as: string }

export type Scalar = string | number | boolean

/** What the pointers of steps lead into. */
export interface Repairable {
  readonly review: Readonly<Record<string, unknown>>
  readonly item: unknown
  readonly context: unknown
}

/** A repair of one fault. */
export function createRepair({ pointer, keyword }: Repair['mends'], steps: readonly Step[]): Repair {
  const what = { mends: { pointer, keyword }, steps }
  return { id: repairId(what), ...what }
}

/** What is tied to a record once a repair is tied to it, too. Twice is once. */
export function tie<Tied extends { readonly repairs?: readonly Repair[] }>(by: Tied, repair: Repair): Tied {
  const { repairs = [] } = by
  const isKnown = repairs.some(({ id, kept }) => id === repair.id && kept !== true)
  return isKnown ? by : { ...by, repairs: [...repairs, repair] }
}

export function repairId({ mends, steps }: Pick<Repair, 'mends' | 'steps'>): string {
  return hash('sha256', JSON.stringify([mends.pointer, mends.keyword, steps]), 'hex').slice(0, 12)
}

/** Whether a repair is for one of these faults. */
export const isFor = ({ mends }: Repair, faults: readonly Fault[]): boolean =>
  faults.some(({ pointer, keyword }) => pointer === mends.pointer && keyword === mends.keyword)
