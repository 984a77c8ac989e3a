import type { PresetInput } from './preset.ts'

/** Real-Time Amazon Data on RapidAPI. Ratings and votes are texts; the author is a name. */
export const rapidapiAmazon: PresetInput = {
  name: 'rapidapi-amazon',
  version: 1,
  provider: 'Real-Time Amazon Data (RapidAPI)',
  about: 'RapidAPI, Real-Time Amazon Data: product-reviews.',
  quirks: [
    'The key goes into the header X-RapidAPI-Key.',
    'The shop is params.country, US unless told.',
    'There are no user ids: missing_user_id: derive makes them.',
    'Dates are days, in the language of the shop.',
  ],
  request: {
    url: 'https://real-time-amazon-data.p.rapidapi.com/product-reviews',
    headers: { 'X-RapidAPI-Host': 'real-time-amazon-data.p.rapidapi.com' },
    params: { asin: '{product}', country: 'US', sort_by: 'MOST_RECENT' },
    paging: { kind: 'page', param: 'page' },
  },
  coverage: 'top',
  items: ['/data/reviews/[]'],
  failed: [
    { when: '/error', message: ['/error/message', '/error'] },
    { when: '/status', not: 'OK', message: '/message' },
    { when: '/message', message: '/message' },
  ],
  carry: { product: '/data/asin', marketplace: '/data/domain' },
  fields: {
    review_id: { from: '/review_id', parse: 'id' },
    product_id: { from: '/reviewed_product_asin', carried: 'product' },
    review_text: { from: '/review_comment' },
    rating: { from: '/review_star_rating', parse: 'stars' },
    review_timestamp: { from: '/review_date', parse: 'day' },
    title: { from: '/review_title' },
    verified_purchase: { from: '/is_verified_purchase' },
    helpful_votes: { from: '/helpful_vote_statement', parse: 'helpful_statement' },
    vine: { from: '/is_vine' },
    images: { from: '/review_images', parse: 'links' },
    reviewer_name: { from: '/review_author' },
    country: { from: '/review_date', parse: 'country' },
    marketplace: { carried: 'marketplace', parse: 'amazon_domain' },
    variant: { from: '/reviewed_product_variant', parse: 'variant' },
    review_url: { from: '/review_link' },
  },
  volatile: ['/helpful_vote_statement', '/review_author_avatar'],
}
