import type { Sighting } from '../../review/provider.ts'
import { MOST_OF } from './checkpoint.ts'

/** A page without an error, and what was seen before it. */
export interface Look {
  readonly coverage: 'full' | 'top'
  readonly isFirst: boolean
  readonly sightings: readonly Sighting[]
  /** How many of them are of reviews that earlier pages of this crawl did not show. */
  readonly added: number
  /** Whether it holds what the first page held. */
  readonly isFirstAgain: boolean
  /** Whether the provider itself says that it was shut out. */
  readonly isBlocked: boolean
  /** How many reviews there are, as the provider says. */
  readonly total: number | undefined
  /** How many reviews the earlier pages of this crawl showed. */
  readonly count: number
  /** How many reviews the last complete crawl showed; 0 where there was none. */
  readonly before: number
  /** Whether an earlier crawl brought a review that was none of the dead letters. */
  readonly wasValid: boolean
}

/** Fewer items may all have the same fault by chance. */
const MANY = 3
/** A list moves on while it is read, by some reviews, not by nearly a page. */
const FEW = 0.1

/**
 * Why a page that looks like an answer is none: the provider was shut out and doesn't say so. In words that a person can act
 * on; undefined where nothing is odd. Rules about totals and emptiness hold only where a crawl shows all reviews.
 */
export function suspicionOf(look: Look): string | undefined {
  const { coverage, isFirst, sightings, added, isFirstAgain, isBlocked, total, count, before, wasValid } =
    look
  if (isBlocked) return 'the provider says that it was shut out (a CAPTCHA or a log-in)'
  const [first] = sightings
  const areAllFaulty = first?.code !== undefined && sightings.every(({ code }) => code === first.code)
  if (areAllFaulty && wasValid && sightings.length >= MANY) {
    return `every review of the page is a dead letter (${first.code}) where earlier ones were good: the provider's shape has changed, or it was shut out`
  }
  if (coverage === 'top') return undefined
  if (isFirst) {
    const isSuddenlyEmpty = sightings.length === 0 && before > 0 && total !== 0
    return isSuddenlyEmpty
      ? `no reviews where there were ${before}: look whether the provider still shows them`
      : undefined
  }
  if (isFirstAgain) return 'the page holds what the first one held: the provider shows no more than that'
  const isNearlyKnown = added > 0 && added <= sightings.length * FEW
  if (isNearlyKnown)
    return `all but ${added} of the page was on earlier pages: the provider shows the same page again`
  const isShort = total !== undefined && count + added < total * MOST_OF
  if (added === 0 && isShort) return `a page without a new review after ${count} of ${total}`
  return undefined
}
