import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import simulator from '../../src/sources/simulator/index.ts'
import type { Source } from '../../src/sources/source.ts'
import { sourceConformance } from './source.ts'
import { openSourcePlaces } from '../support/source-places.ts'

const opened = new AsyncDisposableStack()
const places = opened.use(await openSourcePlaces({ name: 'simulated', origin: 'shop' }))
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
  return simulator.open(simulator.config.parse(config), await places.contextOf(place))
}
