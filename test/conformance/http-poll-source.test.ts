import { after } from 'node:test'
import httpPoll from '../../src/sources/http-poll/index.ts'
import type { Source } from '../../src/sources/source.ts'
import { openProvider } from '../support/provider.ts'
import { sourceConformance } from './source.ts'
import { openSourcePlaces } from '../support/source-places.ts'

const PAGES = 5
const PAGE_SIZE = 10

const opened = new AsyncDisposableStack()
const places = opened.use(await openSourcePlaces({ name: 'shop', origin: 'acme' }))
const provider = opened.use(
  await openProvider(({ params }) => {
    const page = Number(params.get('page'))
    const ids = Array.from({ length: page <= PAGES ? PAGE_SIZE : 0 }, (_, n) => page * 100 + n)
    return { body: ids.map((id) => ({ id, asin: params.get('asin') })) }
  }),
)
after(() => opened.disposeAsync())

const paging = { kind: 'page', param: 'page' }

sourceConformance('http-poll', {
  open: (place) => open(place, { paging }),
  items: PAGES * PAGE_SIZE,
  origin: 'acme',
  source: 'shop',
  kind: 'http-poll',
})

sourceConformance('http-poll by product', {
  open: (place) => open(place, { paging, params: { asin: '{product}' }, products: ['A', 'B', 'C'] }),
  items: 3 * PAGES * PAGE_SIZE,
  origin: 'acme',
  source: 'shop',
  kind: 'http-poll',
})

async function open(place: string, settings: object): Promise<Source> {
  return httpPoll.open(
    httpPoll.config.parse({ url: provider.url, everyMs: '1h', ...settings }),
    await places.contextOf(place),
  )
}
