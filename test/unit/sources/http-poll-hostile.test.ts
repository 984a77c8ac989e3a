import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toCode } from '../../../src/config/names.ts'
import { shapeOf } from '../../../src/config/shape.ts'
import httpPoll from '../../../src/sources/http-poll/index.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { presetSchema } from '../../../src/presets/preset.ts'
import { createProvider } from '../../../src/presets/provider.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { createSplit } from '../../../src/presets/split.ts'
import { judge } from '../../../src/review/interpret.ts'
import type { Received } from '../../../src/review/received.ts'
import {
  createHostileProvider,
  type HostileProvider,
} from '../../../src/sources/simulator/hostile/provider.ts'
import { SHAPES, type ShapeName } from '../../../src/sources/simulator/shapes/index.ts'
import { compare, NOTHING_WRONG, owedOf } from '../../e2e/hostile-difference.ts'
import { SERVED, sourceFor } from '../../e2e/hostile-source.ts'
import type { Row } from '../../support/pipeline.ts'
import { eventually } from '../../support/pipeline.ts'
import { createPlace } from './http-poll-harness.ts'

/** Waits pass at once, by a clock that only moves when the poller sleeps; bodies that stall do so for some milliseconds. */
const PACE = 0.001
const REQUESTS = 400
/** Of one shape after the other; npm run test:long tries more. */
const SEEDS = Math.max(SHAPES.length, Number(process.env['HEADWATER_HOSTILE_SEEDS'] ?? 0))

describe('by a clock of its own, a poller of a hostile provider', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const shape = SHAPES[seed % SHAPES.length] ?? 'canonical'
    test(`takes every review once per version and asks for no more than it may (${shape}, seed ${seed})`, async () => {
      const place = createPlace()
      await using provider = createHostileProvider(
        {
          seed,
          shape,
          products: 10,
          reviews: 2_000,
          pageSize: 50,
          malice: 0.3,
          pace: PACE,
          kindAfter: REQUESTS,
        },
        () => place.now,
      )
      const url = await provider.listen({ host: '127.0.0.1', port: 0 })
      const products = provider.state().products.map(({ product_id: product }) => product)
      const { name: _name, type: _type, preset: _preset, ...written } = sourceFor(shape, url, products)
      const settings = toCode(written, shapeOf(httpPoll.config), [], (path) =>
        assert.fail(path.join('.')),
      ) as object
      const preset = await presetOf(shape)
      const rules = compileRules(preset)
      const rows = new Map<string, Row>()
      const store = (received: Received): void => {
        const { key, verdict } = judge(received, rules)
        if (!rows.has(key)) rows.set(key, { key, revision: 0, raw: received.raw.toString(), verdict } as Row)
      }
      await using poll = await place.open(settings, {
        split: createSplit(preset),
        provider: createProvider(preset, () => rules),
      })
      const reading = (async () => {
        while (true) {
          const batch = await poll.next()
          batch.items.forEach(store)
          await batch.ack()
        }
      })()
      await Promise.race([reading, isOver(provider)])
      reading.catch(() => {})
      await poll.stop()
      const truth = provider.truth()
      assert.deepEqual(compare([...rows.values()], truth, owedOf(truth), shape), NOTHING_WRONG)
      const told = provider.violations().map(({ kind, message }) => `${kind}: ${message}`)
      assert.deepEqual(told, [])
    })
  }
})

/** Everything was shown, and then read once more. */
async function isOver(provider: HostileProvider): Promise<void> {
  const all = () => provider.state().products
  await eventually(
    async () => all().every((one) => one.isAsked && one.isShown) || undefined,
    'all to be read',
  )
  const { requests } = provider.state()
  const pages = 2_000 / 50 + 10
  await eventually(async () => provider.state().requests > requests + pages || undefined, 'another crawl')
}

async function presetOf(shape: ShapeName) {
  return shape === 'canonical' ? presetSchema.parse(SERVED) : loadPreset(shape)
}
