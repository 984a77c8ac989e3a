import type { PresetInput } from './preset.ts'

/** Amazon Reviews of 2023 (Hou, McAuley). Times are milliseconds; a picture comes in several sizes. */
export const mcauley2023: PresetInput = {
  name: 'mcauley-2023',
  version: 1,
  provider: 'Amazon Reviews 2023 (data set)',
  about: 'Amazon Reviews 2023 (UCSD), NDJSON. Gives no review ids: see missing_review_id.',
  quirks: ['Times are milliseconds.', 'Texts hold HTML, which stays.'],
  coverage: 'full',
  fields: {
    product_id: { from: '/asin' },
    user_id: { from: '/user_id' },
    review_text: { from: '/text' },
    rating: { from: '/rating', parse: 'number' },
    review_timestamp: { from: '/timestamp', parse: 'milliseconds' },
    title: { from: '/title' },
    verified_purchase: { from: '/verified_purchase' },
    helpful_votes: { from: '/helpful_vote' },
    images: { from: '/images', parse: 'links' },
  },
  volatile: ['/helpful_vote'],
}
