import { z } from 'zod'

/** What is known of how fast a product gets new reviews. Its checkpoint keeps it; `observe` makes the next one. */
export const observed = z.object({
  /** When the last complete poll began, in milliseconds since 1970. */
  polledAt: z.number(),
  /** New reviews, of which the older ones count less. */
  fresh: z.number().min(0),
  /** In how many milliseconds they came, of which the older ones count less. */
  exposureMs: z.number().min(0),
  /** How many calls a poll takes, on average. */
  calls: z.number().min(1),
  /** How many reviews the last poll showed, where a poll shows only the latest or the top ones. */
  shown: z.int().min(0).optional(),
  /** How much speaks for it that the product changed: the logarithm of a ratio of likelihoods. */
  doubt: z.number().min(0),
})

export type Observed = z.output<typeof observed>

/** A poll that went through all that the provider shows of a product. */
export interface Poll {
  /** When it began, in milliseconds since 1970. */
  readonly at: number
  /** How many reviews it found that no poll before it had. */
  readonly fresh: number
  /** How many requests it took. */
  readonly calls: number
  /** How many reviews it showed, where a poll shows only the latest or the top ones. */
  readonly shown?: number | undefined
}

/** What is expected of a product of which nothing is known: a Gamma distribution, by its mean alone. */
export interface Prior {
  /** New reviews per millisecond of an average product. */
  readonly ratePerMs: number
}

const DAY_MS = 86_400_000

/** After so long an observation counts half. */
const HALF_LIFE_MS = 30 * DAY_MS
/** The shape of the prior. It is small: a few products get most of the reviews, and nearly all get fewer than the mean. */
const SHAPE = 0.25
/** The logarithm of how much more likely the observations must be of another product before what was known is forgotten. */
const MOST_DOUBT = Math.log(1_000)
/** What the last poll counts in the average of calls. */
const CALLS_WEIGHT = 0.3

/**
 * What is known after a poll. The first poll finds what gathered in years, and says nothing about velocity. A poll that shows
 * nothing but new reviews hides how many more there were: they count twice, so that the estimate doubles until it is right.
 * Once the polls fit a stranger much better than what is known of the product, only the last one counts.
 */
export function observe(
  before: Observed | undefined,
  { at, fresh, calls, shown }: Poll,
  prior: Prior,
): Observed {
  const about = { polledAt: at, ...(shown !== undefined && { shown }) }
  if (before === undefined) return { ...about, fresh: 0, exposureMs: 0, calls: Math.max(1, calls), doubt: 0 }
  const elapsedMs = Math.max(0, at - before.polledAt)
  const isOverflowing = shown !== undefined && fresh > 0 && fresh >= shown
  const found = isOverflowing ? 2 * fresh : fresh
  const doubt = Math.max(0, before.doubt + surprise(before, found, elapsedMs, prior))
  const isAnother = doubt > MOST_DOUBT
  const kept = isAnother ? 0 : 2 ** (-elapsedMs / HALF_LIFE_MS)
  return {
    ...about,
    fresh: kept * before.fresh + found,
    exposureMs: kept * before.exposureMs + elapsedMs,
    calls: Math.max(1, before.calls + CALLS_WEIGHT * (calls - before.calls)),
    doubt: isAnother ? 0 : doubt,
  }
}

/** New reviews per millisecond that are expected of a product. */
export function rateOf(known: Observed | undefined, prior: Prior): number {
  const { shape, scaleMs } = posterior(known, prior)
  return shape / scaleMs
}

/** What all products have together; those of which little is known hardly count. */
export function fitPrior(products: Iterable<Observed | undefined>): Prior {
  // Before anything is known: a review a day, as one product would be known after a day.
  let [fresh, exposureMs] = [1, DAY_MS]
  for (const known of products) {
    fresh += known?.fresh ?? 0
    exposureMs += known?.exposureMs ?? 0
  }
  return { ratePerMs: fresh / exposureMs }
}

interface Gamma {
  readonly shape: number
  /** The mean is the shape divided by this. */
  readonly scaleMs: number
}

function posterior(known: Observed | undefined, { ratePerMs }: Prior): Gamma {
  const { fresh = 0, exposureMs = 0 } = known ?? {}
  return { shape: SHAPE + fresh, scaleMs: SHAPE / ratePerMs + exposureMs }
}

/** How much more likely such a poll is of a stranger than of this product, as a logarithm. */
function surprise(known: Observed, fresh: number, elapsedMs: number, prior: Prior): number {
  if (elapsedMs === 0) return 0
  return (
    logLikelihood(posterior(undefined, prior), fresh, elapsedMs) -
    logLikelihood(posterior(known, prior), fresh, elapsedMs)
  )
}

/** Of so many reviews, but for what is the same of every product: a negative binomial distribution. */
function logLikelihood({ shape, scaleMs }: Gamma, fresh: number, elapsedMs: number): number {
  let sum = shape * Math.log(scaleMs / (scaleMs + elapsedMs)) - fresh * Math.log1p(scaleMs / elapsedMs)
  for (let n = 0; n < fresh; n++) sum += Math.log(shape + n)
  return sum
}
