import type { Received } from './received.ts'

/** What the preset of a source knows of its provider, for a source that looks at what it has received. */
export interface Provider {
  /** Whether a poll shows all reviews of a product or only the top ones. */
  readonly coverage: 'full' | 'top'
  /** Which review an item is. Pure, and never throws. */
  readonly identify: (received: Received) => Sighting
  /** What the responses in a document tell beside their reviews. It takes text that `JSON.parse` takes. */
  readonly told: (document: string) => Told
}

/** One look at a review. */
export interface Sighting {
  /** 16 hex digits: the same for the same version of the review, judged by the same rules. */
  readonly version: string
  /** The review id, exactly as its JSON token came; undefined where the item gives none. */
  readonly review: string | undefined
  /** The product that it is about, where it says so well. */
  readonly product: string | undefined
  /** Why it is a dead letter; undefined where it is none. */
  readonly code: string | undefined
}

export interface Told {
  /** How many reviews the product has, as the provider counts. */
  readonly total?: number
  /** Whether the shop shut the provider out: there may be reviews that it could not see. */
  readonly isBlocked: boolean
}
