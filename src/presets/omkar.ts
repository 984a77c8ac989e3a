import type { PresetInput } from './preset.ts'

/** Omkar Cloud: the flattest of all, each review with everything that the canonical one needs. */
export const omkar: PresetInput = {
  name: 'omkar',
  version: 1,
  provider: 'Omkar Cloud',
  about: 'Omkar Cloud Amazon Scraper API: top reviews of a product.',
  quirks: [
    'The key goes into the header API-Key.',
    'The shop is params.country_code, US unless told.',
    'Dates are days. A newer edition of the service, which runs on your own machine, has other fields.',
  ],
  request: {
    url: 'https://amazon-scraper-api.omkar.cloud/amazon/product-reviews/top',
    params: { asin: '{product}' },
  },
  coverage: 'top',
  items: ['/top_reviews/[]', '/results/[]', '/reviews/[]'],
  failed: { when: ['/error', '/message'], message: ['/error/message', '/error', '/message'] },
  fields: {
    review_id: { from: '/review_id', parse: 'id' },
    product_id: { from: '/product_asin' },
    user_id: { from: '/reviewer_id', parse: 'id' },
    review_text: { from: '/review_text' },
    rating: { from: '/rating', parse: 'stars' },
    review_timestamp: { from: '/review_date', parse: 'day' },
    title: { from: '/review_title' },
    verified_purchase: { from: '/is_verified_purchase' },
    helpful_votes: { from: '/helpful_votes', parse: 'count' },
    vine: { from: '/is_vine_review' },
    images: { from: '/review_images', parse: 'links' },
    reviewer_name: { from: '/reviewer_name' },
    country: { from: '/review_date', parse: 'country' },
    variant: { from: '/reviewed_variant', parse: 'variant' },
    review_url: { from: '/review_link' },
  },
  volatile: ['/helpful_votes', '/reviewer_avatar'],
}
