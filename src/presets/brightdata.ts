import type { PresetInput } from './preset.ts'

/**
 * Bright Data. `timestamp` is when it was scraped, not when it was written; the badge is a text. What failed, or is not
 * ready yet, comes as a record or a body of its own, also with HTTP 200.
 */
export const brightdata: PresetInput = {
  name: 'brightdata',
  version: 2,
  provider: 'Bright Data',
  about: 'Bright Data, Amazon reviews of the Web Scraper API: snapshots and webhooks, as JSON or NDJSON.',
  quirks: [
    'Asynchronous: a snapshot is triggered, waited for and downloaded; webhooks deliver the same records.',
    'timestamp is when it was scraped; the review has review_posted_date, a day.',
    'The key goes into the header Authorization, as "Bearer …".',
    'From 25 answers of status 429 within five minutes on, the address is blacklisted.',
  ],
  coverage: 'top',
  failed: { when: ['/error_code', '/error', '/status'], message: ['/error', '/message', '/error_code'] },
  blocked: { when: '/error_code', equals: 'blocked' },
  fields: {
    review_id: { from: '/review_id', parse: 'id' },
    product_id: { from: '/asin' },
    user_id: { from: '/author_id', parse: 'id' },
    review_text: { from: '/review_text' },
    rating: { from: '/rating', parse: 'number' },
    review_timestamp: { from: '/review_posted_date', parse: 'day' },
    title: { from: '/review_header' },
    verified_purchase: { from: '/badge', parse: 'verified_badge' },
    helpful_votes: { from: '/helpful_count', parse: 'count' },
    images: { from: '/review_images', parse: 'links' },
    reviewer_name: { from: '/author_name' },
    country: { from: '/review_country', parse: 'country' },
    product_title: { from: '/product_name' },
  },
  volatile: [
    '/timestamp',
    '/input',
    '/keyword',
    '/helpful_count',
    '/product_rating',
    '/product_rating_object',
    '/product_rating_count',
    '/product_reviews_number',
  ],
}
