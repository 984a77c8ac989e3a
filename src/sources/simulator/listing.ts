import type { Page } from './shapes/shape.ts'
import type { SimulatedReview } from './writer.ts'

/** The page of this number; one behind the last is empty. */
export function pageOf(
  reviews: readonly SimulatedReview[],
  product: string | undefined,
  number: number,
  size: number,
): Page {
  const pages = Math.ceil(reviews.length / size)
  return {
    product,
    number,
    size,
    pages,
    total: reviews.length,
    next: number < pages ? number + 1 : undefined,
    reviews: reviews.slice((number - 1) * size, number * size),
  }
}
