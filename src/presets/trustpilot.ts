import type { PresetInput } from './preset.ts'

/**
 * Trustpilot. A delivery holds several events, also of reviews that were deleted. A service review is about the business
 * itself and names no product.
 */
export const trustpilot: PresetInput = {
  name: 'trustpilot',
  version: 1,
  provider: 'Trustpilot',
  about: 'Trustpilot webhooks: service-review-created, -updated and -deleted, several in a delivery.',
  quirks: [
    'Service reviews name no product and are rejected as missing_product_id: copy the preset, and give product_id a value.',
    'Deliveries are not signed: use a secret of your own in the URL or in a header.',
    'A deleted review comes as an event with little more than its id.',
    'consumer.id may be missing: missing_user_id: derive makes one.',
  ],
  coverage: 'top',
  items: ['/events/[]'],
  removed: { when: '/eventName', equals: 'service-review-deleted' },
  fields: {
    review_id: { from: '/eventData/id', parse: 'id' },
    user_id: { from: '/eventData/consumer/id', parse: 'id' },
    review_text: { from: '/eventData/text' },
    rating: { from: '/eventData/stars', parse: 'stars' },
    review_timestamp: { from: '/eventData/createdAt' },
    title: { from: '/eventData/title' },
    verified_purchase: { from: '/eventData/isVerified' },
    reviewer_name: { from: '/eventData/consumer/name' },
    language: { from: '/eventData/language' },
    review_url: { from: '/eventData/link' },
  },
}
