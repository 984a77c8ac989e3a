import type { PresetInput } from './preset.ts'

/** The Multilingual Amazon Reviews Corpus. It tells no dates: every row is rejected until one is given by hand. */
export const amazonReviewsMulti: PresetInput = {
  name: 'amazon-reviews-multi',
  version: 1,
  provider: 'amazon_reviews_multi (data set)',
  about:
    'The Multilingual Amazon Reviews Corpus, NDJSON or CSV. Its ids were made up by those who published it.',
  quirks: [
    'There are no dates: every row is rejected as missing_review_timestamp, and none is made up.',
    'Stars are texts.',
  ],
  coverage: 'full',
  fields: {
    review_id: { from: '/review_id' },
    product_id: { from: '/product_id' },
    user_id: { from: '/reviewer_id' },
    review_text: { from: '/review_body' },
    rating: { from: '/stars', parse: 'number' },
    title: { from: '/review_title' },
    language: { from: '/language' },
  },
}
