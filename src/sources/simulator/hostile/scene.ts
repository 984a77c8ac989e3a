import { gzipSync } from 'node:zlib'
import { below, type Random } from '../../../lib/random.ts'
import type { Item, Page, Shape } from '../shapes/shape.ts'
import type { SimulatedReview } from '../writer.ts'
import type { Drift } from './drifts.ts'
import { type Reply, reply } from './reply.ts'

/** What a malice is made of: the page that was asked for, and what else there is. */
export interface Scene {
  readonly random: Random
  readonly shape: Shape
  /** The page that was asked for, as it truly is. */
  readonly page: Page
  readonly pageAt: (number: number) => Page
  /** Reviews of another product. */
  readonly strangers: readonly SimulatedReview[]
  /** The path and the query that were asked for. */
  readonly target: string
  /** Another host, which has the same pages. */
  readonly elsewhere: string
  readonly now: number
  /** How long to ask to wait, in whole seconds: other ones every time. */
  readonly seconds: number
  /** Milliseconds that a second takes at this pace. */
  readonly secondMs: number
  readonly takesGzip: boolean
  /** From now on, until the first page is asked for again, pages of this product come as this makes them. */
  readonly entrap: (trap: Trap) => void
}

/** What becomes of a page whose product is in a trap. */
export type Trap = (page: Page, pageAt: (number: number) => Page) => Page

/** The answer that holds this page; it is doubtful unless told. */
export function serve(
  { shape, random, takesGzip }: Pick<Scene, 'shape' | 'random' | 'takesGzip'>,
  page: Page,
  { isClean = false, drift }: ServeOptions = {},
): Reply {
  const sightings = page.reviews.map((review) => {
    // Whoever looks again finds other votes.
    const item = shape.item({ ...review, helpful_votes: review.helpful_votes + below(random, 20) })
    const spoiled: Item = drift?.spoil(item, shape.members) ?? item
    const { product_id: product, review_id: reviewId } = review
    return { product, reviewId, item: spoiled, isValid: drift?.isValid(shape) ?? true }
  })
  const plain = reply(
    200,
    shape.write(
      page,
      sightings.map(({ item }) => item),
    ),
  )
  const found = { ...plain, sightings, isClean }
  return takesGzip && random() < 0.5 ? zipped(found) : found
}

export interface ServeOptions {
  readonly isClean?: boolean
  readonly drift?: Drift
}

export const zipped = (plain: Reply): Reply => ({
  ...plain,
  headers: { ...plain.headers, 'content-encoding': 'gzip' },
  body: gzipSync(plain.body),
})
