import type { PresetInput } from './preset.ts'

/**
 * Apify, junglee/amazon-reviews-scraper. Every item repeats the whole product and the input. The sentence of `reviewedIn`
 * follows the language of the shop, so it dates a review only where `date` is missing, and makes no new version of it.
 */
export const apifyJunglee: PresetInput = {
  name: 'apify-junglee',
  version: 2,
  provider: 'Apify, junglee/amazon-reviews-scraper',
  about: 'Apify, the actor junglee/amazon-reviews-scraper: dataset items.',
  quirks: [
    'The key goes into the header Authorization, as "Bearer …".',
    'The request reads the items of the last run that succeeded: something else has to start the runs.',
    'Every item repeats the whole product: 20 to 35 KB for one review.',
    'userId is null where the author has no public profile.',
    'With clean=true a short page is not the end.',
  ],
  request: {
    url: 'https://api.apify.com/v2/acts/junglee~amazon-reviews-scraper/runs/last/dataset/items',
    params: { status: 'SUCCEEDED', format: 'json' },
    paging: { kind: 'offset', param: 'offset', size_param: 'limit', size: 1000 },
  },
  coverage: 'top',
  total: '/totalCategoryReviews',
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
    helpful_votes: { from: '/reviewReaction', parse: 'helpful_statement' },
    vine: { from: '/isAmazonVine' },
    images: { from: '/reviewImages', parse: 'links' },
    country: { from: ['/country', '/reviewedIn'], parse: 'country' },
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
