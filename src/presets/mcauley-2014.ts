import type { PresetInput } from './preset.ts'

/** Amazon Product Data of 2014 (McAuley). Times are seconds; votes are a list of the helpful ones and all. */
export const mcauley2014: PresetInput = {
  name: 'mcauley-2014',
  version: 1,
  provider: 'Amazon Product Data 2014 (data set)',
  about: 'Amazon Product Data 2014 (UCSD), NDJSON. Gives no review ids: see missing_review_id.',
  quirks: ['Texts hold HTML entities, which stay.'],
  coverage: 'full',
  fields: {
    product_id: { from: '/asin' },
    user_id: { from: '/reviewerID' },
    review_text: { from: '/reviewText' },
    rating: { from: '/overall', parse: 'number' },
    review_timestamp: { from: ['/unixReviewTime', '/reviewTime'], parse: 'seconds_or_day' },
    title: { from: '/summary' },
    helpful_votes: { from: '/helpful/0' },
    reviewer_name: { from: '/reviewerName' },
  },
  volatile: ['/helpful'],
}
