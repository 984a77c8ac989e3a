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

/** Times and texts that are not the author's. */
const OF_OTHERS = /modif|updat|moderat|edited|scrap|crawl|fetch|respon|reply|answer/

/** Whether what a pointer leads to is called like the field. */
export function isAlike(field: ReviewField, pointer: string): boolean {
  const path = pointer.replace(/^\/(?:item|context\/carried)/, '')
  const name = path.toLowerCase().replaceAll(/[^a-z0-9/]/g, '')
  return NAMES[field]?.test(name) === true && !OF_OTHERS.test(name)
}
