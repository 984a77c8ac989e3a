import type { PresetInput } from './preset.ts'

/**
 * Apify, junglee/amazon-reviews-scraper. Every item repeats the whole product and the input. The sentence of `reviewedIn`
 * follows the language of the shop, so it dates a review only where `date` is missing, and makes no new version of it.
 */
export const apifyJunglee: PresetInput = {
  name: 'apify-junglee',
  version: 1,
  about: 'Apify, the actor junglee/amazon-reviews-scraper: dataset items.',
  coverage: 'top',
  failed: { when: '/error', message: ['/error/message', '/error'] },
  fields: {
    review_id: { from: '/reviewId', parse: 'id' },
    product_id: { from: '/productAsin' },
    user_id: { from: '/userId', parse: 'id' },
    review_text: { from: '/reviewDescription' },
    rating: { from: '/ratingScore', parse: 'number' },
    review_timestamp: { from: ['/date', '/reviewedIn'], parse: 'day' },
    title: { from: '/reviewTitle' },
    verified_purchase: { from: '/isVerified' },
    vine: { from: '/isAmazonVine' },
    images: { from: '/reviewImages', parse: 'links' },
    country: { from: '/country' },
    variant: { from: '/variant', parse: 'variant' },
    product_title: { from: '/product/title' },
    review_url: { from: '/reviewUrl' },
  },
  content: [
    '/productAsin',
    '/userId',
    '/reviewDescription',
    '/reviewTitle',
    '/ratingScore',
    '/date',
    '/reviewImages',
  ],
  volatile: [
    '/position',
    '/product',
    '/input',
    '/reviewReaction',
    '/totalCategoryRatings',
    '/totalCategoryReviews',
    '/reviewCategoryUrl',
    '/filterByRating',
    '/filterByKeyword',
  ],
}
