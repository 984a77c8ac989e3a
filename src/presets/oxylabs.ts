import type { PresetInput } from './preset.ts'

/**
 * Oxylabs, the source amazon_reviews. Each page is a result with a status of its own, whatever the status of the answer. The
 * language of date and title is that of the shop; the title begins with the rating.
 */
export const oxylabs: PresetInput = {
  name: 'oxylabs',
  version: 1,
  provider: 'Oxylabs',
  about: 'Oxylabs Web Scraper API, the source amazon_reviews with parse: true. Very likely withdrawn by now.',
  quirks: [
    'The key is HTTP Basic, in the header Authorization.',
    'There are no user ids: missing_user_id: derive makes them.',
    'Dates are days, in the language of the shop.',
    'A parse_status_code other than 12000 is a page that was not understood.',
    'Results are kept for a day or so.',
  ],
  request: {
    url: 'https://realtime.oxylabs.io/v1/queries',
    method: 'POST',
    body: '{"source":"amazon_reviews","domain":"com","query":"{product}","parse":true}',
    timeout: '180s',
  },
  coverage: 'top',
  responses: ['/results/[]', ''],
  items: ['/content/reviews/[]'],
  failed: [
    { when: '/content/parse_status_code', not: 12_000, message: ['/content/error', '/content/message'] },
    { when: '/status_code', not: 200, message: ['/message', '/content/error'] },
    { when: ['/message', '/status'], message: ['/message', '/status'] },
  ],
  blocked: { when: ['/message', '/content'], holds: ['captcha', 'robot check'] },
  carry: {
    product: ['/content/asin', '/content/asin_in_url'],
    product_title: '/content/product_name',
  },
  fields: {
    review_id: { from: '/id', parse: 'id' },
    product_id: { carried: 'product' },
    review_text: { from: '/content' },
    rating: { from: '/rating', parse: 'stars' },
    review_timestamp: { from: '/timestamp', parse: 'day' },
    title: { from: '/title', parse: 'title_after_stars' },
    verified_purchase: { from: '/is_verified', parse: 'boolean' },
    reviewer_name: { from: '/author' },
    country: { from: '/timestamp', parse: 'country' },
    variant: { from: '/product_attributes' },
    product_title: { carried: 'product_title' },
  },
}
