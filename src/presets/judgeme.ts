import type { PresetInput } from './preset.ts'

/**
 * Judge.me, the reviews of one's own shop. An item holds the author's name, e-mail address, telephone number and IP address:
 * none of them is in the canonical review.
 */
export const judgeme: PresetInput = {
  name: 'judgeme',
  version: 1,
  provider: 'Judge.me',
  about: "Judge.me: pages of a shop's reviews, and its webhooks review/created and review/updated.",
  quirks: [
    'The key goes into params.api_token, the shop into params.shop_domain; a webhook is verified by the scheme judgeme.',
    'Raw keeps the name, e-mail address, telephone number and IP address of the author; the canonical review has none.',
    "The product ids are the shop's own, and numbers like all ids.",
    'Reviews that are hidden or not published are there too.',
    'An edited review is a new version; updated_at alone is none.',
  ],
  request: {
    url: 'https://api.judge.me/api/v1/reviews',
    params: { per_page: '100' },
    paging: { kind: 'page', param: 'page' },
  },
  coverage: 'full',
  items: ['/reviews/[]', '/review'],
  failed: { when: '/error', message: ['/error/message', '/error'] },
  fields: {
    review_id: { from: '/id', parse: 'id' },
    product_id: { from: '/product_external_id', parse: 'id' },
    user_id: { from: '/reviewer/id', parse: 'id' },
    review_text: { from: '/body' },
    rating: { from: '/rating', parse: 'stars' },
    review_timestamp: { from: '/created_at' },
    title: { from: '/title' },
    verified_purchase: { from: '/verified', parse: 'verified_buyer' },
  },
}
