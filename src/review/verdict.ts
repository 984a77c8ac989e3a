import type { Operation } from 'rfc6902'
import type { Repair } from './repair.ts'

/** The canonical review, see schemas/review.schema.json: six fields that must be there, and whatever else is known. */
export interface Review {
  readonly review_id: string
  readonly product_id: string
  readonly user_id: string
  readonly review_text: string
  /** 0 to 5. */
  readonly rating: number
  /** RFC 3339. */
  readonly review_timestamp: string
  readonly [more: string]: unknown
}

/** What a received item is taken to be. May be made again under newer rules; raw and context never change. */
export type Verdict = Accepted | Rejected | Removal

interface Judged {
  readonly by: RuleVersions
  /** What the sanitiser changed, field by field, and why. */
  readonly sanitised?: readonly Change[]
  /** Fields that the item did not give and the source asked to have derived. */
  readonly derived?: readonly string[]
  /** Amended, but not known to be published yet: whoever finds this publishes it and clears the mark. */
  readonly unpublished?: true
}

export interface Accepted extends Judged {
  readonly status: 'accepted'
  readonly review: Review
}

export interface Rejected extends Judged {
  readonly status: 'rejected'
  /** lower_snake, such as `missing_user_id`; the reason of the first fault. */
  readonly code: string
  readonly errors: readonly Fault[]
  /** 16 hex digits: dead letters that share the same fault share it. */
  readonly cluster: string
  /** The product, where the item names one well. */
  readonly product?: string
  /** A person decided that this one needn't be mended. */
  readonly discarded?: { readonly reason: string; readonly at: string }
}

/** No review but news of one: its provider no longer shows it, or shows it again. What was stored of it stays. */
export interface Removal extends Judged {
  readonly status: 'removed' | 'returned'
  readonly review_id: string
  /** The product, where it is known. */
  readonly product?: string
  /** RFC 3339: the last complete look that still showed it, where the source looks. */
  readonly last_seen?: string
}

/** One thing wrong, for machines and for people. `pointer` is into the candidate review. */
export interface Fault {
  readonly pointer: string
  readonly keyword: string
  readonly message: string
  readonly params?: Readonly<Record<string, unknown>>
}

export interface Change {
  readonly field: string
  readonly why: string
}

/** Which rules made a verdict, so that it can be understood, compared and made again. */
export interface RuleVersions {
  /** Name and version, such as `rainforest@1`. */
  readonly preset: string
  readonly schema: string
  /** Those that were applied, in their order. */
  readonly repairs?: readonly Repair[]
  /** A repair by hand of this one record: a JSON Patch against the preset's candidate, applied in every interpretation. */
  readonly patch?: readonly Operation[]
}

/** What a record is found by besides its key. */
export interface Findable {
  readonly product: string | undefined
  /** Of dead letters that wait to be mended. */
  readonly cluster: string | undefined
}

export function findableBy(verdict: Verdict): Findable {
  if (verdict.status === 'accepted') return { product: verdict.review.product_id, cluster: undefined }
  const { product } = verdict
  return {
    product,
    cluster: verdict.status === 'rejected' && isWaiting(verdict) ? verdict.cluster : undefined,
  }
}

/** Whether this is a dead letter that nobody has discarded. */
export const isWaiting = (verdict: Verdict): boolean =>
  verdict.status === 'rejected' && verdict.discarded === undefined

/** Whether this is a dead letter of which a person decided that it needn't be mended. */
export const isDiscarded = (verdict: Verdict): boolean =>
  verdict.status === 'rejected' && verdict.discarded !== undefined
