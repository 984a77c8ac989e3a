import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { REVIEW_FIELDS } from '../../src/review/fields.ts'
import type { ShapeName } from '../../src/sources/simulator/shapes/index.ts'

export const PAGE_SIZE = 50

const KEY = '${HOSTILE_TEST_KEY}'
process.env['HOSTILE_TEST_KEY'] = 'key-of-the-hostile-provider-0123456789'

/** How the provider is polled, as a user would write it. Its key goes along in a header and in a parameter. */
export function sourceFor(
  shape: ShapeName,
  url: string,
  products: readonly string[],
): Record<string, unknown> {
  const each = {
    name: 'poll',
    type: 'http-poll',
    headers: { 'X-Api-Key': KEY },
    every: '2s',
    timeout: '3s',
    products,
  }
  switch (shape) {
    case 'rainforest':
      return {
        ...each,
        preset: 'rainforest',
        url: `${url}/request`,
        params: { api_key: KEY, asin: '{product}' },
        paging: { kind: 'page', param: 'page', total_pages: '/pagination/total_pages' },
      }
    case 'canonical':
      return {
        ...each,
        preset: './served.yaml',
        url: `${url}/reviews`,
        params: { api_key: KEY, product: '{product}' },
        paging: { kind: 'cursor', param: 'cursor', next: '/next_cursor' },
      }
    case 'bazaarvoice':
      return {
        ...each,
        preset: 'bazaarvoice',
        url: `${url}/data/reviews.json?Filter=ProductId:{product}`,
        params: { passkey: KEY },
        paging: { kind: 'offset', param: 'Offset', size_param: 'Limit', size: PAGE_SIZE },
      }
  }
}

/** The shape `canonical` has its reviews in a list. */
export const SERVED = {
  name: 'served',
  version: 1,
  coverage: 'full',
  total: '/total',
  items: ['/reviews/*'],
  fields: Object.fromEntries(REVIEW_FIELDS.map((name) => [name, { from: `/${name}` }])),
}

export const writePreset = (folder: string): Promise<void> =>
  writeFile(join(folder, 'served.yaml'), JSON.stringify(SERVED))
