import type { PresetInput } from './preset.ts'

/**
 * Apify, axesso_data/amazon-reviews-scraper. The author's id is inside the path of the profile, whose end says on which page
 * the review was seen: that makes no new version of it.
 */
export const apifyAxesso: PresetInput = {
  name: 'apify-axesso',
  version: 2,
  provider: 'Apify, axesso_data/amazon-reviews-scraper',
  about: 'Apify, the actor axesso_data/amazon-reviews-scraper: dataset items.',
  quirks: [
    'The key goes into the header Authorization, as "Bearer …".',
    'The request reads the items of the last run that succeeded: something else has to start the runs.',
    'There is no user id but in profilePath; a path without an account is rejected as missing_user_id.',
    'Page 2 may repeat page 1.',
  ],
  request: {
    url: 'https://api.apify.com/v2/acts/axesso_data~amazon-reviews-scraper/runs/last/dataset/items',
    params: { status: 'SUCCEEDED', format: 'json' },
    paging: { kind: 'offset', param: 'offset', size_param: 'limit', size: 1000 },
  },
  coverage: 'top',
  total: '/countReviews',
  failed: { when: '/error', message: ['/error/message', '/error'] },
  fields: {
    review_id: { from: '/reviewId', parse: 'id' },
    product_id: { from: '/asin' },
    user_id: { from: '/profilePath', parse: 'account' },
    review_text: { from: '/text' },
    rating: { from: '/rating', parse: 'stars' },
    review_timestamp: { from: '/date', parse: 'day' },
    title: { from: '/title' },
    verified_purchase: { from: '/verified' },
    helpful_votes: { from: '/numberOfHelpful', parse: 'count' },
    vine: { from: '/vine' },
    images: { from: '/imageUrlList', parse: 'links' },
    videos: { from: '/videoUrlList', parse: 'links' },
    reviewer_name: { from: '/userName' },
    country: { from: '/date', parse: 'country' },
    marketplace: { from: '/domainCode', parse: 'amazon_domain' },
    variant: { from: '/variationList', parse: 'variant' },
    product_title: { from: '/productTitle' },
  },
  content: ['/asin', '/text', '/title', '/rating', '/date', '/imageUrlList', '/videoUrlList'],
  volatile: [
    '/numberOfHelpful',
    '/profilePath',
    '/currentPage',
    '/sortStrategy',
    '/filters',
    '/countReviews',
    '/countRatings',
    '/productRating',
    '/reviewSummary',
  ],
}
