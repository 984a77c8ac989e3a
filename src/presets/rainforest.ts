import type { PresetInput } from './preset.ts'

/**
 * Rainforest API and ASIN Data API. The product stands in the envelope, never in a top review; global reviews have no
 * profile id; an error comes as a response among others, with HTTP 200. What tells that a collection is done holds no
 * reviews, and is no empty answer either.
 */
export const rainforest: PresetInput = {
  name: 'rainforest',
  version: 2,
  provider: 'Rainforest API',
  about:
    'Rainforest API (Traject Data): type=product with its top reviews, type=reviews, and stored arrays of both.',
  quirks: [
    'The key goes into params.api_key.',
    'Global reviews have no profile id, so they are rejected as missing_user_id unless missing_user_id is derive.',
    'A review that has only a title has no body and is rejected as missing_review_text.',
    'Most texts end in the words "Read more", which belong to the page and not to the review; they stay.',
    'Without show_different_asins: "false" reviews of other products come under the ASIN that was asked for.',
    'Dates are days, and the same top reviews come at every poll.',
    'The total counts ratings without a text too.',
  ],
  request: {
    url: 'https://api.rainforestapi.com/request',
    params: {
      type: 'reviews',
      amazon_domain: 'amazon.com',
      asin: '{product}',
      sort_by: 'most_recent',
      show_different_asins: 'false',
    },
    paging: { kind: 'page', param: 'page', total_pages: '/pagination/total_pages', max: 500 },
  },
  coverage: 'top',
  total: '/product/reviews_total',
  responses: ['/product_data/*', ''],
  items: ['/reviews/*', '/product/top_reviews/*', '/top_reviews/*'],
  failed: { when: '/request_info/success', equals: false, message: '/request_info/message' },
  empty: { when: ['/request_parameters', '/product'] },
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
