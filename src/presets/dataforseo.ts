import type { PresetInput } from './preset.ts'

/**
 * DataForSEO. An error has the same two fields in the whole answer and in each of its tasks, with HTTP 200; codes from
 * 40000 up are errors. A review has no id, and its author none but in the address of the profile.
 */
export const dataforseo: PresetInput = {
  name: 'dataforseo',
  version: 1,
  provider: 'DataForSEO',
  about: 'DataForSEO Merchant API, Amazon reviews: what task_get/advanced answers, and postbacks.',
  quirks: [
    'Asynchronous: a task is posted, waited for and read; a postback brings the same, compressed.',
    'There are no review ids: missing_review_id: derive makes them.',
    'The user id is cut from the address of the profile; without one the review is rejected as missing_user_id.',
    'The only order is by helpfulness, and a task brings at most 50.',
    'A task that has no results is an error to the provider, and a provider_error here.',
    'The key is HTTP Basic, in the header Authorization.',
  ],
  coverage: 'top',
  total: '/result/0/reviews_count',
  responses: ['/tasks/[]', ''],
  items: ['/result/[]/items/[]'],
  failed: { when: '/status_code', min: 40_000, message: '/status_message' },
  empty: { when: ['/result_count', '/result/0/items_count'], equals: 0 },
  carry: {
    product: ['/result/0/asin', '/data/asin'],
    marketplace: '/result/0/se_domain',
    product_title: '/result/0/title',
  },
  fields: {
    product_id: { carried: 'product' },
    user_id: { from: '/user_profile/url', parse: 'account' },
    review_text: { from: '/review_text' },
    rating: { from: '/rating', parse: 'rating_value' },
    review_timestamp: { from: '/publication_date', parse: 'time' },
    title: { from: '/title' },
    verified_purchase: { from: '/verified' },
    helpful_votes: { from: '/helpful_votes' },
    reviewer_name: { from: '/user_profile/name' },
    marketplace: { carried: 'marketplace', parse: 'amazon_domain' },
    product_title: { carried: 'product_title' },
  },
  volatile: ['/rank_group', '/rank_absolute', '/position', '/xpath', '/helpful_votes', '/user_profile'],
}
