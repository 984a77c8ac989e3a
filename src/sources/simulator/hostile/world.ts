import { below, createRandom, type Random } from '../../../lib/random.ts'
import { createGenerator } from '../generator.ts'
import type { SimulatedReview } from '../writer.ts'

/** What the provider has. It changes while it is asked, by the number of requests, and never by itself. */
export interface World {
  readonly products: readonly string[]
  /** What there is of a product now, the latest to appear first. */
  reviewsOf(product: string): readonly SimulatedReview[]
  /** A review as it is now; undefined where it is not there. */
  get(reviewId: string): SimulatedReview | undefined
  /** Whether a review was ever deleted. */
  wasGone(reviewId: string): boolean
  /** Lets happen what was due by this request. */
  advanceTo(request: number): void
  /** Lets happen all that is left. */
  finish(): void
}

export interface WorldOptions {
  readonly seed: number
  /** At most so many have reviews. */
  readonly products: number
  readonly reviews: number
  /** By which request the last change is due. */
  readonly changesUntil: number
}

interface Change {
  readonly at: number
  readonly index: number
  readonly kind: 'appear' | 'edit' | 'delete' | 'return'
}

/** Of all reviews. Those that come late may be edited and deleted too. */
const LATE = 0.08
const EDITED = 0.1
const DELETED = 0.05
const RETURNS = 0.5

const STARTED_AT = Date.UTC(2026, 0, 1)
/** Keeps the changes of one review apart from all else that is drawn. */
const CHANGES = 11

export function createWorld({ seed, products, reviews: count, changesUntil }: WorldOptions): World {
  const generator = createGenerator(
    { seed, rate: 1, products, duplicates: 0, edits: 0, invalid: 0 },
    STARTED_AT,
  )
  const all = Array.from(
    { length: count },
    (_, index) => JSON.parse(generator.at(index).toString()) as SimulatedReview,
  )
  const changes = all
    .flatMap((_, index) => changesOf(index, createRandom(seed, index, CHANGES), changesUntil))
    .toSorted((a, b) => a.at - b.at || a.index - b.index)
  const arrivals = changes.filter(({ kind }) => kind === 'appear').map(({ index }) => index)
  const late = new Set(arrivals)
  const shown = new Set(all.keys().filter((index) => !late.has(index)))
  const byProduct = Map.groupBy(
    [...all.keys().filter((index) => !late.has(index)), ...arrivals].toReversed(),
    (index) => all[index]?.product_id ?? '',
  )
  const indexes = new Map(all.map(({ review_id }, index) => [review_id, index]))
  const gone = new Set<number>()
  let done = 0

  function happen({ index, kind }: Change): void {
    const review = all[index]
    if (review === undefined) return
    if (kind === 'delete') gone.add(index)
    if (kind === 'edit') all[index] = edited(review, done)
    else if (kind === 'delete') shown.delete(index)
    else shown.add(index)
  }

  function advanceTo(request: number): void {
    for (let next = changes[done]; next !== undefined && next.at <= request; next = changes[done]) {
      happen(next)
      done++
    }
  }

  return {
    products: [...byProduct.keys()].toSorted(),
    reviewsOf: (product) =>
      (byProduct.get(product) ?? []).flatMap((index) => (shown.has(index) ? (all[index] ?? []) : [])),
    get(reviewId) {
      const index = indexes.get(reviewId) ?? -1
      return shown.has(index) ? all[index] : undefined
    },
    wasGone: (reviewId) => gone.has(indexes.get(reviewId) ?? -1),
    advanceTo,
    finish: () => advanceTo(Infinity),
  }
}

/** In an order that makes sense: nothing changes before it has appeared, or returns before it is gone. */
function changesOf(index: number, random: Random, until: number): Change[] {
  const kinds: Change['kind'][] = []
  if (random() < LATE) kinds.push('appear')
  if (random() < EDITED) kinds.push('edit', ...(random() < 0.3 ? (['edit'] as const) : []))
  if (random() < DELETED) kinds.push('delete', ...(random() < RETURNS ? (['return'] as const) : []))
  const moments = kinds.map(() => 1 + below(random, until)).toSorted((a, b) => a - b)
  return kinds.map((kind, n) => ({ at: moments[n] ?? until, index, kind }))
}

/** No two edits say the same. */
const edited = (review: SimulatedReview, n: number): SimulatedReview => ({
  ...review,
  review_text: `${review.review_text}\n\nUpdate ${n}: I see it with other eyes now.`,
  rating: (review.rating % 5) + 1,
})
