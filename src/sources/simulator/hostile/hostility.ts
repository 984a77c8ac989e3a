import type { ShapeName } from '../shapes/index.ts'

/** How hostile a provider is, and what it has. */
export interface Hostility {
  readonly seed: number
  readonly shape: ShapeName
  /** Of how many products there are reviews, at most. */
  readonly products: number
  readonly reviews: number
  readonly pageSize: number
  /** Which part of all requests is treated badly: 0 to 1. */
  readonly malice: number
  /** Kinds of malice, by their names, that are not done. */
  readonly spared?: readonly string[]
  /** All times are multiplied by it: at 1 it takes 20 requests in 10 s, and asks for waits of 5 to 20 s. */
  readonly pace: number
  /** How many requests a poller may have under way, for products that differ; 1 unless told. */
  readonly requestsAtOnce?: number
  /** It turns kind by itself after so many requests. */
  readonly kindAfter?: number
}

export const REQUESTS_PER_WINDOW = 20
export const WINDOW_MS = 10_000
/** In whole seconds, as headers tell them. */
export const SHORTEST_WAIT_SECONDS = 5
export const LONGEST_WAIT_SECONDS = 20
