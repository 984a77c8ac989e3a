import type { PresetInput } from './preset.ts'

/** SellerApp. The author is a name, and the place a text of its own. */
export const sellerapp: PresetInput = {
  name: 'sellerapp',
  version: 1,
  provider: 'SellerApp',
  about: 'SellerApp: pages of reviews of a product.',
  quirks: [
    'How it is asked is not public: url, params and paging are yours to give.',
    'There are no user ids: missing_user_id: derive makes them.',
    'Dates are days.',
  ],
  coverage: 'top',
  items: ['/reviews/[]'],
  failed: { when: ['/error', '/errors'], message: ['/error/message', '/error', '/errors', '/message'] },
  fields: {
    review_id: { from: '/review_id', parse: 'id' },
    product_id: { from: '/product_id' },
    review_text: { from: '/description' },
    rating: { from: '/rating', parse: 'stars' },
    review_timestamp: { from: '/review_date', parse: 'day' },
    title: { from: '/title' },
    verified_purchase: { from: '/is_verified', parse: 'boolean' },
    reviewer_name: { from: '/author' },
    country: { from: '/place', parse: 'country' },
  },
}
