import type { PresetInput } from './preset.ts'

/** Amazon Review Data of 2018 (Ni, McAuley). Times are seconds; votes are texts; a review may lack its text. */
export const mcauley2018: PresetInput = {
  name: 'mcauley-2018',
  version: 1,
  provider: 'Amazon Review Data 2018 (data set)',
  about: 'Amazon Review Data 2018 (UCSD), NDJSON. Gives no review ids: see missing_review_id.',
  quirks: [
    'Some rows have no text and are rejected as missing_review_text.',
    'One row in fifty or so is there twice.',
  ],
  coverage: 'full',
  fields: {
    product_id: { from: '/asin' },
    user_id: { from: '/reviewerID' },
    review_text: { from: '/reviewText' },
    rating: { from: '/overall', parse: 'number' },
    review_timestamp: { from: ['/unixReviewTime', '/reviewTime'], parse: 'seconds_or_day' },
    title: { from: '/summary' },
    verified_purchase: { from: '/verified' },
    helpful_votes: { from: '/vote', parse: 'count' },
    images: { from: '/image', parse: 'links' },
    reviewer_name: { from: '/reviewerName' },
    variant: { from: '/style', parse: 'variant' },
  },
  volatile: ['/vote'],
}
