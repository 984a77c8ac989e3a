import type { PresetInput } from './preset.ts'

/**
 * Rainforest API and ASIN Data API. The product stands in the envelope, never in a top review; global reviews have no
 * profile id; an error comes as a response among others, with HTTP 200.
 */
export const rainforest: PresetInput = {
  name: 'rainforest',
  version: 1,
  about:
    'Rainforest API (Traject Data): type=product with its top reviews, type=reviews, and stored arrays of both.',
  coverage: 'top',
  responses: ['/product_data/*', ''],
  items: ['/reviews/*', '/product/top_reviews/*', '/top_reviews/*'],
  failed: { when: '/request_info/success', equals: false, message: '/request_info/message' },
  empty: { when: '/request_info/success', equals: true },
  carry: {
    product: ['/product/asin', '/request_parameters/asin'],
    marketplace: ['/request_parameters/amazon_domain'],
    product_title: ['/product/title'],
  },
  fields: {
    review_id: { from: '/id', parse: 'id' },
    product_id: { from: '/asin', carried: 'product' },
    user_id: { from: '/profile/id', parse: 'id' },
    review_text: { from: '/body' },
    rating: { from: '/rating', parse: 'number' },
    review_timestamp: { from: '/date/utc' },
    title: { from: '/title' },
    verified_purchase: { from: '/verified_purchase' },
    helpful_votes: { from: '/helpful_votes' },
    vine: { from: '/vine_program' },
    images: { from: '/images', parse: 'links' },
    videos: { from: '/videos', parse: 'links' },
    reviewer_name: { from: '/profile/name' },
    marketplace: { carried: 'marketplace' },
    country: { from: '/review_country' },
    product_title: { carried: 'product_title' },
    review_url: { from: '/link' },
  },
  volatile: ['/helpful_votes', '/position'],
}
