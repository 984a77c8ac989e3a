import { country } from './parsers/countries.ts'
import { links, storeId } from './parsers/links.ts'
import { count, number, ratingInRange, ratingValue } from './parsers/numbers.ts'
import type { Parser } from './parsers/parser.ts'
import { helpfulStatement, stars, titleAfterStars } from './parsers/statements.ts'
import { day, milliseconds, seconds, secondsOrDay, time } from './parsers/times.ts'
import { account, amazonDomain, boolean, id, variant, verifiedBadge, verifiedBuyer } from './parsers/words.ts'

export type { Parser } from './parsers/parser.ts'

/** Every parser, by the name that presets call it. */
export const PARSERS = {
  number,
  count,
  stars,
  rating_in_range: ratingInRange,
  rating_value: ratingValue,
  helpful_statement: helpfulStatement,
  title_after_stars: titleAfterStars,
  seconds,
  milliseconds,
  day,
  seconds_or_day: secondsOrDay,
  time,
  id,
  account,
  store_id: storeId,
  boolean,
  verified_badge: verifiedBadge,
  verified_buyer: verifiedBuyer,
  country,
  amazon_domain: amazonDomain,
  variant,
  links,
} as const satisfies Record<string, Parser>
