import { join } from 'node:path'
import { after } from 'node:test'
import type { Context } from '../../src/adapter.ts'
import httpPoll from '../../src/sources/http-poll/index.ts'
import type { Source } from '../../src/sources/source.ts'
import store from '../../src/stores/embedded/index.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { openProvider } from '../support/provider.ts'
import { temporaryFolder } from '../support/temp.ts'
import { sourceConformance } from './source.ts'
import { plainProvider } from '../support/plain-provider.ts'

const PAGES = 5
const PAGE_SIZE = 10

const opened = new AsyncDisposableStack()
const folder = opened.use(await temporaryFolder())
const provider = opened.use(
  await openProvider(({ params }) => {
    const page = Number(params.get('page'))
    const ids = Array.from({ length: page <= PAGES ? PAGE_SIZE : 0 }, (_, n) => page * 100 + n)
    return { body: ids.map((id) => ({ id, asin: params.get('asin') })) }
  }),
)
const quiet = () => {}
const context: Context = {
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  signal: new AbortController().signal,
  dataDir: folder.path,
}
const registries = new Map<string, Registry>()
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
  return httpPoll.open(httpPoll.config.parse({ url: provider.url, everyMs: '1h', ...settings }), {
    ...context,
    name: 'shop',
    origin: 'acme',
    run: 'run-1',
    split: (document) => [{ raw: document }],
    provider: plainProvider(),
    repeated: () => {},
    clock: Date.now,
    registry: await registryOf(place),
    http: { add: () => true },
    httpIsLoopback: true,
    trouble: quiet,
  })
}

/** A place's checkpoints outlive the source. */
async function registryOf(place: string): Promise<Registry> {
  const known = registries.get(place)
  if (known) return known
  const registry = opened.use(await store.openRegistry({ dir: join(folder.path, place) }, context))
  registries.set(place, registry)
  return registry
}
