import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeDrift, readDrift } from '../../src/drift-state.ts'
import { watchDrift } from '../../src/drift-watch.ts'
import { TransientError } from '../../src/errors.ts'
import type { Received } from '../../src/review/received.ts'
import { openRegistry } from '../../src/stores/embedded/registry.ts'
import type { Registry } from '../../src/stores/registry.ts'
import { accepted } from '../../src/telemetry/drift/observer.ts'
import { createHealth } from '../../src/telemetry/health.ts'
import { eventually } from '../support/pipeline.ts'
import { silent } from '../support/queue-context.ts'
import { temporaryFolder } from '../support/temp.ts'

const soon = (): AbortSignal => AbortSignal.timeout(5_000)

function itemsOf(count: number, rating: unknown): readonly Received[] {
  const raw = Buffer.from(JSON.stringify({ id: 'R1', rating }))
  return Array.from({ length: count }, () => {
    return { origin: 'shop', receivedAt: 0, raw, context: { source: 'shop', kind: 'webhook' } }
  })
}

/** A watch whose clock runs a thousand times as fast where samples are concerned. */
function watchIn(registry: Registry, logger = silent) {
  const clock = (): number => performance.now() * 1_000
  const health = createHealth({ clock, steady: clock })
  health.source('shop', 'webhook')('running')
  const watch = watchDrift({ registry, health, clock, steady: clock, logger })
  return { watch, drifted: () => health.sources()[0]?.drifted?.map(({ kind, field }) => `${kind} ${field}`) }
}

/** Sends again and again until what is looked for is there. */
async function sendUntil<T>(send: () => void, look: () => T | undefined, what: string): Promise<T> {
  return eventually(async () => {
    send()
    return look()
  }, what)
}

test('a registry that is away keeps nobody from sending, and what drifts is told once it is back', async () => {
  await using folder = await temporaryFolder()
  await using real = await openRegistry(join(folder.path, 'registry'))
  let isAway = true
  const away = async (): Promise<never> => {
    throw new TransientError('STORE_UNAVAILABLE', 'the database is away')
  }
  const registry: Registry = {
    ...real,
    get: (name, options) => (isAway ? away() : real.get(name, options)),
    compareAndSet: (...args) => (isAway ? away() : real.compareAndSet(...args)),
  }
  const { watch, drifted } = watchIn(registry)
  await using _ = watch
  const observe = watch.source('shop')
  for (let n = 0; n < 30; n++) observe(itemsOf(100, 5))
  isAway = false
  await eventually(async () => {
    observe(itemsOf(100, 5))
    return readDrift(real, 'shop', soon())
  }, 'what is known to be kept')
  const found = await sendUntil(() => observe(itemsOf(100, 'five')), drifted, 'the drift')
  assert.deepEqual(found, ['type /rating'])
})

test('what somebody else writes in between is what is known from then on', async () => {
  await using folder = await temporaryFolder()
  await using registry = await openRegistry(join(folder.path, 'registry'))
  const { watch, drifted } = watchIn(registry)
  await using _ = watch
  const observe = watch.source('shop')
  await eventually(async () => {
    observe(itemsOf(100, 5))
    return readDrift(registry, 'shop', soon())
  }, 'what is known to be kept')
  await sendUntil(() => observe(itemsOf(100, 'five')), drifted, 'the drift')
  const isAccepted = async (): Promise<true | undefined> => {
    const kept = await readDrift(registry, 'shop', soon())
    if (!kept || kept.state.drifts.length === 0) return undefined
    return (
      (await writeDrift(registry, 'shop', { ...kept, state: accepted(kept.state, Date.now()) }, soon())) ||
      undefined
    )
  }
  await eventually(isAccepted, 'the drift to be kept, and accepted')
  await eventually(async () => drifted() === undefined || undefined, 'its end')
})

test('an entry that nobody can read is warned of once, until it can be read again', async () => {
  await using folder = await temporaryFolder()
  await using registry = await openRegistry(join(folder.path, 'registry'))
  const warned: (readonly string[])[] = []
  const warn = (about: object): void => void warned.push((about as { sources: readonly string[] }).sources)
  const asked: string[] = []
  const watching: Registry = {
    ...registry,
    get(name, options) {
      asked.push(name)
      return registry.get(name, options)
    },
  }
  await registry.compareAndSet('drift/broken', 0, Buffer.from('{'))
  const { watch } = watchIn(watching, { ...silent, warn })
  await using _ = watch
  watch.source('broken')
  watch.source('shop')
  const times = (count: number) => () =>
    Promise.resolve(asked.filter((name) => name === 'drift/broken').length >= count || undefined)
  await eventually(times(3), 'it to be read again and again')
  assert.deepEqual(warned, [['broken']])
})

test('the entries of many sources are read side by side', async () => {
  await using folder = await temporaryFolder()
  await using registry = await openRegistry(join(folder.path, 'registry'))
  const all = Promise.withResolvers<void>()
  let asked = 0
  const slow: Registry = {
    ...registry,
    async get(name, options) {
      if (++asked === 32) all.resolve()
      await all.promise
      return registry.get(name, options)
    },
  }
  const { watch } = watchIn(slow)
  await using _ = watch
  for (let n = 0; n < 100; n++) watch.source(`shop ${n}`)
  await all.promise
})
