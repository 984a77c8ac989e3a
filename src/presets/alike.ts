import type { ReviewField } from '../review/fields.ts'
import type { PARSERS } from './parsers.ts'

/** The parsers that may read a field, the plainest first. What others make of it may be valid, and mean nothing. */
export const FITTING: Partial<Record<ReviewField, readonly (keyof typeof PARSERS)[]>> = {
  review_id: ['id', 'store_id'],
  product_id: ['id', 'store_id'],
  user_id: ['id', 'account', 'store_id'],
  rating: ['number', 'stars', 'rating_value', 'rating_in_range'],
  review_timestamp: ['time', 'day', 'seconds', 'milliseconds'],
  title: ['title_after_stars'],
  verified_purchase: ['boolean', 'verified_badge', 'verified_buyer'],
  helpful_votes: ['number', 'count', 'helpful_statement'],
  vine: ['boolean'],
  images: ['links'],
  videos: ['links'],
  marketplace: ['amazon_domain'],
  country: ['country'],
  variant: ['variant'],
}

/** How providers call the fields that every review needs: the ends of paths, in lower case and without anything between words. */
const NAMES: Partial<Record<ReviewField, RegExp>> = {
  review_id: /(?:^\/?|(?:review|comment|feedback|rating)s?\/?)(?:id|key|uuid|guid)$/,
  product_id:
    /(?:(?:product|item|article|listing)\/?(?:id|key|code|number)|asin|sku|gtin|ean|isbn)(?:\/?id)?$|^\/product$/,
  user_id:
    /(?:user|author|reviewer|customer|profile|buyer|consumer|account|member|shopper|writer)\/?(?:id|key|uuid|guid|code|link|url)$/,
  review_text: /(?:text|body|content|comment|description|message)$/,
  rating: /(?:rating|stars?|score|grade)(?:\/?value)?$/,
  review_timestamp:
    /(?:date|time|timestamp|(?:created|published|posted|submitted|written)(?:at|on)?)(?:\/?utc)?$/,
}

/**
 * Parsers that make something only of what was written for such a field, whatever that is called. Others do so of any word,
 * number or address.
 */
export const TELLING: ReadonlySet<keyof typeof PARSERS> = new Set([
  'stars',
  'day',
  'helpful_statement',
  'verified_badge',
  'account',
  'title_after_stars',
])

/** Times, texts and people that are not the author's. */
const OF_OTHERS =
  /modif|updat|moderat|edited|scrap|crawl|fetch|retriev|import|index|respon|reply|answer|seller|vendor/
/** Ratings, times and texts of the product, or of its sale. */
const OF_THE_PRODUCT =
  /product(?!\/?review)|average|avg|aggregate|mean|summary|global|shop|store|release|launch|avail|purchas|order|deliver|ship|birth|join|since|expir/

/** What products, shops and deliveries have, too. */
const OF_A_REVIEW: ReadonlySet<ReviewField> = new Set(['rating', 'review_text', 'review_timestamp'])

/** Whether what a pointer leads to is called like the field. */
export const isAlike = (field: ReviewField, pointer: string): boolean =>
  NAMES[field]?.test(nameOf(pointer)) === true && !isOfOthers(field, pointer)

/** Whether what a pointer leads to is called like something that is not about the review. */
export function isOfOthers(field: ReviewField, pointer: string): boolean {
  const name = nameOf(pointer)
  return OF_OTHERS.test(name) || (OF_A_REVIEW.has(field) && OF_THE_PRODUCT.test(name))
}

/** In lower case, and without anything between words. */
function nameOf(pointer: string): string {
  const path = pointer.replace(/^\/(?:item|context\/carried)/, '')
  return path.toLowerCase().replaceAll(/[^a-z0-9/]/g, '')
}

/** Whether a review may have this: no shop was there earlier. A year or day in digits alone counts no seconds. */
export const isPlausible = (field: ReviewField, value: unknown): boolean =>
  field !== 'review_timestamp' || typeof value !== 'string' || (value >= '1990' && value < '2100')
