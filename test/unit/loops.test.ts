import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { Batch } from '../../src/batch.ts'
import type { SourceConfig } from '../../src/config/schema.ts'
import { TransientError } from '../../src/errors.ts'
import { createLoops, type LoopParts } from '../../src/loops.ts'
import { loadPreset } from '../../src/presets/index.ts'
import { compileRules } from '../../src/presets/rules.ts'
import type { Received } from '../../src/review/received.ts'
import { createDeadLetterLimit } from '../../src/services/dead-letter-limit.ts'
import { NOTHING_SEEN } from '../../src/services/ingestion.ts'
import type { Source } from '../../src/sources/source.ts'
import { createStopping } from '../../src/stopping.ts'
import { createHealth } from '../../src/telemetry/health.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { createCounting } from '../../src/telemetry/tally.ts'
import { eventually } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { silent } from '../support/queue-context.ts'
import { rejected } from '../support/records.ts'
import { messageOf, noSuppression, openPlace, type Place } from '../support/services.ts'
import { temporaryFolder } from '../support/temp.ts'

const DAY = 86_400_000

/** One batch that is acknowledged as the test says, and then nothing until it is told to stop. */
function sourceOf(ack: Batch<Received>['ack'], raw = review('R1')): Source {
  const context = { source: 'shop', kind: 'webhook' }
  const items = [{ origin: 'shop', receivedAt: Date.now(), raw: Buffer.from(raw), context }]
  return {
    async *read({ signal }) {
      yield { items, ack }
      if (!signal.aborted) await once(signal, 'abort')
    },
    async [Symbol.asyncDispose]() {},
  }
}

function partsOf({ queue, deadLetters, store, registry }: Place) {
  const metrics = createMetrics()
  const health = createHealth({ clock: Date.now, steady: () => performance.now() })
  const parts: LoopParts = {
    run: 'run-1',
    store,
    registry,
    reviews: queue,
    deadLetters,
    suppression: { ...noSuppression, async [Symbol.asyncDispose]() {} },
    limit: createDeadLetterLimit(store, Infinity),
    seen: NOTHING_SEEN,
    stopping: createStopping(silent),
    health,
    metrics,
    counting: createCounting(metrics),
    clock: Date.now,
    steady: () => performance.now(),
    logger: silent,
  }
  return { ...parts, metrics, health }
}

describe('the loop of a source', () => {
  test('was failing until its next batch where only the acknowledgement had failed', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const parts = partsOf(place)
    const stateNow = () => parts.health.sources()[0]?.state
    const states: unknown[] = []
    let tries = 0
    const source = sourceOf(async () => {
      states.push(stateNow())
      if (++tries === 1) throw new TransientError('BACKEND_FAILING', 'the registry is away')
    })
    const rules = compileRules(await loadPreset('canonical'))
    const config = { name: 'shop', type: 'webhook' } as SourceConfig
    const running = createLoops(parts).source({ config, source, rules: () => rules })
    await eventually(
      async () => (tries === 2 && stateNow() === 'running') || undefined,
      'a source that runs again',
    )
    assert.deepEqual(states, ['running', 'failing'])

    const text = await parts.metrics.text()
    assert.match(text, /^headwater_batch_duration_seconds_count\{stage="publish"\} 1$/m)
    assert.match(text, /^headwater_batch_items_total\{stage="publish"\} 1$/m)
    assert.match(text, /^headwater_retries_total\{stage="publish",code="BACKEND_FAILING"\} 1$/m)
    parts.stopping.stop()
    await running
    parts.stopping.finished()
    assert.equal(stateNow(), 'ended')
  })

  test('tells lasting trouble once a minute, though its clock is put back by a day', async () => {
    await using folder = await temporaryFolder()
    await using place = await openPlace(folder.path)
    const told: string[] = []
    const time = { wall: Date.now(), steady: 0 }
    const parts = {
      ...partsOf(place),
      clock: () => time.wall,
      steady: () => time.steady,
      logger: { ...silent, warn: (_: object, message: string) => void told.push(message) },
    }
    /** What has passed by the one clock and by the other before each try. */
    const passes = [
      [0, 0],
      [1_000, 1_000],
      [-DAY, 58_999],
      [1, 1],
      [DAY, 59_999],
    ]
    let tries = 0
    const source = sourceOf(async () => {
      const [wall, steady] = passes[tries++] ?? []
      if (wall === undefined || steady === undefined) return
      time.wall += wall
      time.steady += steady
      throw new TransientError('BACKEND_FAILING', `try ${tries}`)
    })
    const rules = compileRules(await loadPreset('canonical'))
    const config = { name: 'shop', type: 'webhook' } as SourceConfig
    const running = createLoops(parts).source({ config, source, rules: () => rules })
    await eventually(async () => tries > passes.length || undefined, 'all tries')
    assert.deepEqual(told, ['try 1; trying again', 'try 4; trying again'])
    parts.stopping.stop()
    await running
    parts.stopping.finished()
  })
})

test('loops are not stuck while the store sums up for minutes what dead letters take', async (t) => {
  await using folder = await temporaryFolder()
  await using place = await openPlace(folder.path, '64KiB')
  await place.deadLetters.publish([messageOf(rejected(1, 'c1'))])
  let now = 0
  const steady = (): number => now
  const health = createHealth({ clock: Date.now, steady })
  const sum = Promise.withResolvers<number>()
  let asked = 0
  const deadLetterBytes = (): Promise<number> => {
    asked++
    return sum.promise
  }
  const limit = createDeadLetterLimit({ ...place.store, deadLetterBytes }, Infinity)
  const parts = { ...partsOf(place), health, steady, limit }
  const rules = compileRules(await loadPreset('canonical'))
  const config = { name: 'shop', type: 'webhook' } as SourceConfig
  const large = review('LARGE', { note: 'x'.repeat(100_000) })
  let isAcknowledged = false
  const source = sourceOf(async () => void (isAcknowledged = true), large)
  t.mock.timers.enable({ apis: ['setInterval'] })
  const loops = createLoops(parts)
  const running = [
    loops.source({ config, source, rules: () => rules }),
    loops.storage('dead-letter-queue', place.deadLetters),
  ]
  await eventually(async () => asked === 2 || undefined, 'both loops asking')
  for (let minutes = 0; minutes < 5; minutes++) {
    now += 60_000
    t.mock.timers.tick(60_000)
    now += 1_000
    assert.deepEqual(
      health.live().loops.filter(({ ok, idle }) => !ok || idle),
      [],
    )
  }
  sum.resolve(0)
  await eventually(async () => isAcknowledged || undefined, 'an acknowledgement')
  parts.stopping.stop()
  parts.stopping.endStorage()
  await Promise.all(running)
  parts.stopping.finished()
})
