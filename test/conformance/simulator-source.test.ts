import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Context } from '../../src/adapter.ts'
import simulator from '../../src/sources/simulator/index.ts'
import type { Source } from '../../src/sources/source.ts'
import store from '../../src/stores/embedded/index.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { temporaryFolder } from '../support/temp.ts'
import { sourceConformance } from './source.ts'
import { plainProvider } from '../support/plain-provider.ts'

const opened = new AsyncDisposableStack()
const folder = opened.use(await temporaryFolder())
const quiet = () => {}
const context: Context = {
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  signal: new AbortController().signal,
  dataDir: folder.path,
}
const registries = new Map<string, Registry>()
after(() => opened.disposeAsync())

sourceConformance('simulator', {
  open: (place) => open(place, { count: 50, rate: 200, duplicates: 0.2, invalid: 0.1 }),
  items: 50,
  origin: 'shop',
  source: 'simulated',
  kind: 'simulator',
})

test('brings the same bytes again after a restart, and new reviews once it is configured differently', async () => {
  const bytes = async (config: object): Promise<string[]> => {
    await using source = await open('configured', { count: 30, rate: 1_000, ...config })
    const items: string[] = []
    for await (const batch of source.read({ signal: AbortSignal.timeout(5_000) })) {
      items.push(...batch.items.map(({ raw }) => raw.toString()))
    }
    return items
  }
  const first = await bytes({})
  assert.deepEqual(await bytes({}), first)
  const other = await bytes({ edits: 0.5 })
  const ids = (items: string[]): (string | undefined)[] =>
    items.map((raw) => /"review_id":"\w+"/.exec(raw)?.[0])
  assert.deepEqual(
    ids(other).filter((id) => ids(first).includes(id)),
    [],
  )
})

test('tells how far it has come, if it ends', async () => {
  await using source = await open('counting', { count: 30, rate: 10_000 })
  assert.deepEqual(source.progress?.(), { done: 0, total: 30, unit: 'items' })
  for await (const batch of source.read({ signal: AbortSignal.timeout(5_000) })) await batch.ack()
  assert.deepEqual(source.progress?.(), { done: 30, total: 30, unit: 'items' })
  await using endless = await open('endless', {})
  assert.ok(!('progress' in endless))
})

async function open(place: string, config: object): Promise<Source> {
  return simulator.open(simulator.config.parse(config), {
    ...context,
    name: 'simulated',
    origin: 'shop',
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
