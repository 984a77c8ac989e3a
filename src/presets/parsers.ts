import { links } from './parsers/links.ts'
import { count, number, ratingInRange, stars } from './parsers/numbers.ts'
import type { Parser } from './parsers/parser.ts'
import { day, milliseconds, seconds, secondsOrDay } from './parsers/times.ts'
import { account, amazonDomain, boolean, id, variant, verifiedBadge } from './parsers/words.ts'

export type { Parser } from './parsers/parser.ts'

/** Every parser, by the name that presets call it. */
export const PARSERS = {
  number,
  count,
  stars,
  rating_in_range: ratingInRange,
  seconds,
  milliseconds,
  day,
  seconds_or_day: secondsOrDay,
  id,
  account,
  boolean,
  verified_badge: verifiedBadge,
  amazon_domain: amazonDomain,
  variant,
  links,
} as const satisfies Record<string, Parser>
