import type { SimulatedReview } from '../writer.ts'

/** A page of what a provider has of one product, or of all. */
export interface Page {
  readonly product: string | undefined
  /** Counted from 1. */
  readonly number: number
  /** How many reviews a page holds. */
  readonly size: number
  /** How many pages there are. */
  readonly pages: number
  /** How many reviews there are. */
  readonly total: number
  /** The number of the page behind this one, where there is one. */
  readonly next: number | undefined
  readonly reviews: readonly SimulatedReview[]
}

/** A review in a provider's words. */
export type Item = Readonly<Record<string, unknown>>

/** How a provider is asked, and in which words it answers. */
export interface Shape {
  /** Where its reviews are. */
  readonly path: string
  /** What is asked for behind the path, before the product. */
  readonly query: string
  readonly productOf: (params: URLSearchParams) => string | undefined
  /** The number of the page that is asked for; 1 where that is not said. */
  readonly pageOf: (params: URLSearchParams, size: number) => number
  readonly item: (review: SimulatedReview) => Item
  /** The answer that holds these items of the page. */
  readonly write: (page: Page, items: readonly Item[]) => object
  /** An error as it comes with status 200. */
  readonly failure: object
  /** Which members of an item hold what. */
  readonly members: Readonly<Record<'id' | 'user' | 'text' | 'rating' | 'date', string>>
  /** JSON pointers to what makes a review a version of its own: the preset's content fields, and the ids. */
  readonly content: readonly string[]
  /** Whether a rating that comes as the text of a number is taken for one. */
  readonly readsNumericText: boolean
}

/** A whole number from 1 up; 1 where the text is none. */
export const pageNumber = (text: string | null): number => Math.max(1, Math.trunc(Number(text)) || 1)
