import type { PresetInput } from './preset.ts'

/** Outscraper. Reviews are a list of lists, one for each query; a file of results may hold one list. */
export const outscraper: PresetInput = {
  name: 'outscraper',
  version: 1,
  provider: 'Outscraper',
  about: 'Outscraper, Amazon reviews: answers with a list for each query, and files of results.',
  quirks: [
    'The key goes into the header X-API-KEY.',
    'An error comes with a status of 2xx and error: true.',
    'No user id is documented: missing_user_id: derive makes them.',
    'Results are kept for two hours.',
  ],
  request: {
    url: 'https://api.app.outscraper.com/amazon/reviews',
    params: { query: '{product}', limit: '12', sort: 'recent', async: 'false' },
    timeout: '180s',
  },
  coverage: 'top',
  items: ['/data/[]/[]', '/data/[]', '/[]/[]', '/[]', ''],
  failed: [
    { when: '/error', equals: true, message: ['/errorMessage', '/message'] },
    { when: '/errorMessage', message: '/errorMessage' },
    { when: '/status', not: 'Success' },
  ],
  fields: {
    review_id: { from: '/id', parse: 'id' },
    product_id: { from: '/product_asin' },
    review_text: { from: '/body' },
    rating: { from: '/rating', parse: 'stars' },
    review_timestamp: { from: '/date', parse: 'day' },
    title: { from: '/title' },
    country: { from: '/date', parse: 'country' },
  },
}
