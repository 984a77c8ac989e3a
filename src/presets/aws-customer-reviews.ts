import type { PresetInput } from './preset.ts'

/** Amazon Customer Reviews. A quote in these files is a character like any other; texts hold HTML, which stays. */
export const awsCustomerReviews: PresetInput = {
  name: 'aws-customer-reviews',
  version: 1,
  provider: 'Amazon Customer Reviews (data set)',
  about: "Amazon Customer Reviews (AWS), TSV without quoting: the only open set with Amazon's review ids.",
  quirks: ['A quote is a character like any other.', 'Texts hold HTML, which stays.'],
  coverage: 'full',
  fields: {
    review_id: { from: '/review_id' },
    product_id: { from: '/product_id' },
    user_id: { from: '/customer_id' },
    review_text: { from: '/review_body' },
    rating: { from: '/star_rating', parse: 'number' },
    review_timestamp: { from: '/review_date', parse: 'day' },
    title: { from: '/review_headline' },
    verified_purchase: { from: '/verified_purchase', parse: 'boolean' },
    helpful_votes: { from: '/helpful_votes', parse: 'count' },
    vine: { from: '/vine', parse: 'boolean' },
    marketplace: { from: '/marketplace' },
    product_title: { from: '/product_title' },
  },
  volatile: ['/helpful_votes', '/total_votes'],
}
