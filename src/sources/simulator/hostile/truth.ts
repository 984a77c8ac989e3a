import { hash } from 'node:crypto'
import { createGetter } from '../../../lib/pointer.ts'
import type { Item, Shape } from '../shapes/shape.ts'
import type { SimulatedReview } from '../writer.ts'
import type { World } from './world.ts'

/** One review as it stands on a page. */
export interface Sighting {
  readonly product: string
  readonly reviewId: string
  readonly item: Item
  /** Whether a poller accepts it; a spoiled one ends as a dead letter. */
  readonly isValid: boolean
}

/** One content of a review that was sent as a whole at least once. */
export interface Version {
  /** As `digestOf` has it of the item. */
  readonly digest: string
  readonly isValid: boolean
  /** On how many pages that were sent as a whole. */
  readonly seen: number
  /** On how many of them nothing was wrong: one is enough for a poller to owe this version. */
  readonly seenClean: number
  /** Whether the provider has the review, and with this content. */
  readonly isCurrent: boolean
}

export interface TrueReview {
  readonly product_id: string
  readonly review_id: string
  /** Whether the provider has it no longer. */
  readonly isDeleted: boolean
  /** Whether that was so at any time; it may have returned. */
  readonly wasDeleted: boolean
  readonly versions: readonly Version[]
}

type Sent = Omit<Version, 'isCurrent'>

/** What was really sent, and so what a poller may have and must have. */
export interface Truth {
  /** What a page showed that was sent to its last byte. */
  note(sightings: readonly Sighting[], isClean: boolean): void
  /** Whether this content was on a page without fault. */
  isShown(review: SimulatedReview): boolean
  all(): readonly TrueReview[]
}

/** A digest of the ids and of what makes a review a version of its own; the same for items that differ in votes. */
export function digestOf(shape: Shape, item: unknown): string {
  const content = shape.content.map((pointer) => createGetter(pointer)(item) ?? null)
  return hash('sha256', JSON.stringify(content), 'hex')
}

export function createTruth(shape: Shape, world: World): Truth {
  const reviews = new Map<string, { product: string; versions: Map<string, Sent> }>()

  function noteOne({ product, reviewId, item, isValid }: Sighting, isClean: boolean): void {
    const review = reviews.get(reviewId) ?? { product, versions: new Map<string, Sent>() }
    reviews.set(reviewId, review)
    const digest = digestOf(shape, item)
    const { seen = 0, seenClean = 0 } = review.versions.get(digest) ?? {}
    const version = { digest, isValid, seen: seen + 1, seenClean: seenClean + (isClean ? 1 : 0) }
    review.versions.set(digest, version)
  }

  return {
    note(sightings, isClean) {
      for (const sighting of sightings) noteOne(sighting, isClean)
    },
    isShown(review) {
      const sent = reviews.get(review.review_id)?.versions.get(digestOf(shape, shape.item(review)))
      return sent !== undefined && sent.seenClean > 0
    },
    all: () =>
      [...reviews].map(([review_id, { product, versions }]) => {
        const review = world.get(review_id)
        const current = review && digestOf(shape, shape.item(review))
        return {
          product_id: product,
          review_id,
          isDeleted: review === undefined,
          wasDeleted: world.wasGone(review_id),
          versions: [...versions.values()].map((sent) => ({ ...sent, isCurrent: sent.digest === current })),
        }
      }),
  }
}
