import type { PresetInput } from './preset.ts'

/**
 * Apify, axesso_data/amazon-reviews-scraper. The author's id is inside the path of the profile, whose end says on which page
 * the review was seen: that makes no new version of it.
 */
export const apifyAxesso: PresetInput = {
  name: 'apify-axesso',
  version: 1,
  about: 'Apify, the actor axesso_data/amazon-reviews-scraper: dataset items.',
  coverage: 'top',
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
