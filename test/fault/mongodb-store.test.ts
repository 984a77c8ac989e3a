import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { TransientError } from '../../src/errors.ts'
import { retry } from '../../src/lib/retry.ts'
import mongodb from '../../src/stores/mongodb/index.ts'
import { silent } from '../support/queue-context.ts'
import { accepted, acceptedVerdict, put } from '../support/records.ts'
import { mongodbServer } from '../support/servers/mongodb.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { all } from '../support/store-reads.ts'
import { copyLoad } from './copy-load.ts'
import { storeFaults } from './store-faults.ts'
import { storeLoad } from './store-load.ts'
import { storeOutage } from './store-outage.ts'
import { patience, type WholeHarness } from './store-whole.ts'

const PATIENCE = { baseMs: 50, maxMs: 1_000 }
const server = await mongodbServer()

if (server.skip !== false) test('mongodb store, in trouble', { skip: server.skip }, () => {})
else {
  const { database, standIn, urlThrough } = server
  const wire = await startProxy(server)
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  const context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
  const why = 'the database at MONGODB_URL is not ours to end; end its primary meanwhile to see this'
  const notOurs = {
    'outlasts a database that is frozen': why,
    'has everything it acknowledged when the database is killed and comes back': why,
  }
  const nothing = async (): Promise<void> => {}

  storeFaults('mongodb', {
    module: join(import.meta.dirname, '../../src/stores/mongodb/index.ts'),
    async provision(name) {
      const settings = { url: urlThrough(wire), database, prefix: `${name}.`, timeoutMs: '2s' }
      await mongodb.provision?.(mongodb.config.parse(settings), context)
      return settings
    },
    wire,
    database: standIn ?? { freeze() {}, thaw() {}, kill: nothing },
    count: Number(process.env['HEADWATER_STORE_COUNT'] ?? 1_000),
    noticedMs: 10_000,
    ...(standIn === undefined && { skip: notOurs }),
  })

  const whole: WholeHarness = {
    section: (name) => ({
      type: 'mongodb',
      url: urlThrough(wire),
      database,
      prefix: `${name}.`,
      ...patience(name),
    }),
    wire,
    ...(standIn && { restart: () => standIn.restart() }),
  }
  storeLoad('mongodb', whole)
  storeOutage('mongodb', whole)
  copyLoad('mongodb', whole)

  test('says within its time, in every method, that nothing gets through', async () => {
    const config = mongodb.config.parse({
      url: urlThrough(wire),
      database,
      prefix: 'silent.',
      timeoutMs: '3s',
    })
    await mongodb.provision?.(config, context)
    await using store = await mongodb.open(config, context)
    await using registry = await mongodb.openRegistry(config, context)
    const { key } = accepted(1)
    const methods: Readonly<Record<string, () => Promise<unknown>>> = {
      put: () => put(store, [accepted(1)]),
      get: () => store.get([key]),
      scan: () => all(store, { by: 'time' }),
      amend: () => store.amend(key, 0, acceptedVerdict('R', 'P')),
      erase: () => store.erase([key]),
      clusters: () => Array.fromAsync(store.clusters?.() ?? []),
      deadLetterBytes: async () => store.deadLetterBytes?.(),
      check: () => Array.fromAsync(store.check?.() ?? []),
      'registry.get': () => registry.get('a'),
      'registry.compareAndSet': () => registry.compareAndSet('a', 0, Buffer.from('1')),
      'registry.list': () => Array.fromAsync(registry.list('')),
      'registry.remove': () => registry.remove('a', 1),
      open: () => mongodb.open(config, context),
      openRegistry: () => mongodb.openRegistry(config, context),
      provision: async () => mongodb.provision?.(config, context),
    }
    wire.stall('both')
    try {
      const startedAt = performance.now()
      await Promise.all(
        Object.entries(methods).map(async ([name, method]) => {
          await assert.rejects(method(), TransientError, name)
          const tookMs = performance.now() - startedAt
          assert.ok(tookMs < 10_000, `${name} took ${tookMs} ms`)
        }),
      )
    } finally {
      wire.restore()
    }
    assert.deepEqual(await retry(() => put(store, [accepted(2)]), AbortSignal.timeout(30_000), PATIENCE), [
      'stored',
    ])
  })

  test('gives up at once what its signal ends, also an opening', async () => {
    const config = mongodb.config.parse({
      url: urlThrough(wire),
      database,
      prefix: 'ended.',
      timeoutMs: '30s',
    })
    await mongodb.provision?.(config, context)
    await using store = await mongodb.open(config, context)
    wire.stall('both')
    try {
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await assert.rejects(put(store, [accepted(1)], { signal }), reason)
      const stop = new AbortController()
      const asked = [
        put(store, [accepted(1)], { signal: stop.signal }),
        all(store, { by: 'time', signal: stop.signal }),
        mongodb.open(config, { ...context, signal: stop.signal }),
      ]
      const refused = asked.map((question) => assert.rejects(question, reason))
      stop.abort(reason)
      await Promise.all(refused)
    } finally {
      wire.restore()
    }
  })
}
