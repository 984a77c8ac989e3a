import { join } from 'node:path'
import { after } from 'node:test'
import type { Context } from '../../src/adapter.ts'
import httpJob from '../../src/sources/http-job/index.ts'
import type { Source } from '../../src/sources/source.ts'
import store from '../../src/stores/embedded/index.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { openJobProvider } from '../support/job-provider.ts'
import { temporaryFolder } from '../support/temp.ts'
import { sourceConformance } from './source.ts'
import { plainProvider } from '../support/plain-provider.ts'

const REVIEWS = 50

const opened = new AsyncDisposableStack()
const folder = opened.use(await temporaryFolder())
const provider = opened.use(await openJobProvider('brightdata', { reviews: REVIEWS }))
const quiet = () => {}
const context: Context = {
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  signal: new AbortController().signal,
  dataDir: folder.path,
}
const registries = new Map<string, Registry>()
after(() => opened.disposeAsync())

sourceConformance('http-job', {
  open,
  items: REVIEWS,
  origin: 'acme',
  source: 'shop',
  kind: 'http-job',
})

async function open(place: string): Promise<Source> {
  return httpJob.open(httpJob.config.parse(provider.settings), {
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

/** What is known of a place's jobs outlives the source. */
async function registryOf(place: string): Promise<Registry> {
  const known = registries.get(place)
  if (known) return known
  const registry = opened.use(await store.openRegistry({ dir: join(folder.path, place) }, context))
  registries.set(place, registry)
  return registry
}
