import type { PresetInput } from './preset.ts'

/**
 * Yotpo, the reviews of one's own shop. A deleted review stays in the list with a mark, which makes a new version of it. The
 * author is known by name and e-mail address, which are in no canonical review.
 */
export const yotpo: PresetInput = {
  name: 'yotpo',
  version: 1,
  provider: 'Yotpo',
  about: "Yotpo: pages of a shop's reviews.",
  quirks: [
    'The url is https://api.yotpo.com/v1/apps/<app key>/reviews; the key goes into params.utoken.',
    'There are no user ids but e-mail addresses, which are not taken for one: missing_user_id: derive makes them.',
    'Raw keeps the name and e-mail address of the author; the canonical review has neither.',
    'A deleted review is told with deleted: true.',
    'Reviews that are archived or escalated are there too.',
  ],
  request: {
    params: { count: '100' },
    paging: { kind: 'page', param: 'page' },
  },
  coverage: 'full',
  items: ['/reviews/[]'],
  failed: { when: '/status/code', min: 400, message: '/status/message' },
  removed: { when: '/deleted', equals: true },
  fields: {
    review_id: { from: '/id', parse: 'id' },
    product_id: { from: '/sku', parse: 'id' },
    review_text: { from: '/content' },
    rating: { from: '/score', parse: 'stars' },
    review_timestamp: { from: '/created_at', parse: 'time' },
    title: { from: '/title' },
    verified_purchase: { from: '/reviewer_type', parse: 'verified_buyer' },
    helpful_votes: { from: '/votes_up', parse: 'count' },
  },
  content: ['/sku', '/content', '/title', '/score', '/created_at', '/deleted'],
  volatile: ['/votes_up', '/votes_down', '/sentiment', '/updated_at'],
}
