import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Context } from '../../src/adapter.ts'
import { TransientError } from '../../src/errors.ts'
import dynamodb from '../../src/stores/dynamodb/index.ts'
import { silent } from '../support/queue-context.ts'
import { accepted, acceptedVerdict, numbered, put } from '../support/records.ts'
import { type Behaviour, startFront } from '../support/servers/dynamodb-front.ts'
import { dynamodbServer } from '../support/servers/dynamodb.ts'
import { all, keysOf, one } from '../support/store-reads.ts'
import { copyLoad } from './copy-load.ts'
import { storeFaults } from './store-faults.ts'
import { storeLoad } from './store-load.ts'
import { storeOutage } from './store-outage.ts'
import { patience, type WholeHarness } from './store-whole.ts'

const server = await dynamodbServer()
const context: Context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
const own = server.skip === false ? server.own : undefined
const skip = server.skip || (own ? false : 'the database is not ours, and can not be ended')

if (server.skip === false) after(() => server[Symbol.asyncDispose]())

if (server.skip === false && own) {
  storeFaults('dynamodb', {
    module: join(import.meta.dirname, '../../src/stores/dynamodb/index.ts'),
    async provision(name) {
      // Not through the wire, which may be in trouble.
      const direct = { ...server.settings, endpoint: `http://127.0.0.1:${own.port}`, prefix: `${name}-` }
      await dynamodb.provision?.(dynamodb.config.parse(direct), context)
      return { ...server.settings, timeoutMs: '2s', concurrency: 16, prefix: `${name}-` }
    },
    wire: own.wire,
    database: own.database,
    count: Number(process.env['HEADWATER_STORE_COUNT'] ?? 1_000),
    noticedMs: 10_000,
  })

  const whole: WholeHarness = {
    section: (name) => ({ type: 'dynamodb', ...server.settings, prefix: `${name}-`, ...patience(name) }),
    wire: own.wire,
    async restart() {
      await own.database.kill()
      await own.database.restart()
    },
  }
  storeLoad('dynamodb', whole)
  storeOutage('dynamodb', whole)
  copyLoad('dynamodb', whole)
} else test('dynamodb store, in trouble', { skip })

/** A store behind a fake front, and one that sees what is there without it. */
async function behindFront(prefix: string, behave: Parameters<typeof startFront>[1], settings: object = {}) {
  assert.ok(server.skip === false && own)
  const direct = { ...server.settings, endpoint: `http://127.0.0.1:${own.port}`, prefix: `${prefix}-` }
  await dynamodb.provision?.(dynamodb.config.parse(direct), context)
  const front = await startFront(own.port, behave)
  const config = dynamodb.config.parse({ ...direct, endpoint: front.endpoint, ...settings })
  return {
    store: await dynamodb.open(config, context),
    registry: await dynamodb.openRegistry(config, context),
    truth: await dynamodb.open(dynamodb.config.parse(direct), context),
    front,
  }
}

const THROTTLED = {
  error: 'ProvisionedThroughputExceededException',
  message:
    'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.',
}

test('loses nothing when every request is throttled twice', { skip }, async () => {
  const asked = new Map<string, number>()
  const { store, registry, truth, front } = await behindFront('throttled', ({ body }) => {
    const tries = (asked.get(JSON.stringify(body)) ?? 0) + 1
    asked.set(JSON.stringify(body), tries)
    return tries % 3 === 0 ? 'pass' : THROTTLED
  })
  await using _ = front
  await using __ = store
  await using ___ = registry
  await using ____ = truth
  const records = numbered(200)
  assert.deepEqual(new Set(await put(store, records)), new Set(['stored']))
  assert.deepEqual(new Set(await put(store, records)), new Set(['unchanged']))
  assert.deepEqual(keysOf(await all(truth, { by: 'time' })), keysOf(records))
  assert.deepEqual(keysOf(await all(store, { by: 'time' })), keysOf(records))
  assert.equal(await registry.compareAndSet('a', 0, Buffer.from('one')), true)
  await store.erase(keysOf(records.slice(0, 100)))
  assert.equal((await all(truth, { by: 'time' })).length, 100)
})

test('loses nothing of what a batch leaves unprocessed', { skip }, async () => {
  let held = 0
  const { store, truth, front } = await behindFront('unprocessed', ({ operation, body }) => {
    if (!operation.startsWith('Batch')) return 'pass'
    const [asked = body.Statements] = Object.values(body.RequestItems ?? {})
    const size = (Array.isArray(asked) ? asked : (asked as { Keys: unknown[] }).Keys).length
    // All of it now and then, or the larger part.
    const unprocessed = ++held % 3 === 0 ? size : Math.floor(size * 0.7)
    return { unprocessed }
  })
  await using _ = front
  await using __ = store
  await using ___ = truth
  const records = numbered(300)
  await put(store, records)
  assert.equal((await store.get(keysOf(records))).size, 300)
  assert.deepEqual(keysOf(await all(store, { by: 'time' })), keysOf(records))
  await store.erase(keysOf(records.slice(0, 150)))
  assert.deepEqual(keysOf(await all(truth, { by: 'time' })), keysOf(records.slice(150)))
  assert.ok(held > 20, `${held} batches were held back`)
})

test('knows what became of a write whose answer was lost', { skip }, async () => {
  let isLossy = true
  const writes = /^(PutItem|UpdateItem|DeleteItem|TransactWriteItems|BatchExecuteStatement)$/
  const { store, registry, truth, front } = await behindFront('lost', ({ operation, body }) => {
    if (!isLossy || !writes.test(operation) || body.TableName?.endsWith('parts')) return 'pass'
    isLossy = false
    return 'lose the answer'
  })
  await using _ = front
  await using __ = store
  await using ___ = registry
  await using ____ = truth
  // The first answer that is lost is that of the note of a day.
  const [small, large] = [accepted(1), accepted(2, { raw: randomBytes(1_000_000) })]
  assert.deepEqual(await put(store, [small]), ['stored'])
  for (const record of [accepted(3), large]) {
    isLossy = true
    assert.deepEqual(await put(store, [record]), ['stored'])
    assert.ok((await one(truth, record.key))?.received.raw.equals(record.received.raw))
  }
  isLossy = true
  await assert.rejects(store.amend(small.key, 0, acceptedVerdict('R1', 'Q')), TransientError)
  assert.equal(await store.amend(small.key, 0, acceptedVerdict('R1', 'Q')), false)
  assert.deepEqual(keysOf(await all(truth, { by: 'product', product: 'Q' })), [small.key])
  isLossy = true
  await assert.rejects(registry.compareAndSet('a', 0, Buffer.from('one')), TransientError)
  const entry = await registry.get('a')
  assert.equal(entry?.value.toString(), 'one')
  isLossy = true
  await assert.rejects(registry.remove('a', entry?.revision ?? 0), TransientError)
  assert.equal(await registry.get('a'), undefined)
})

test('does not take a record for stored whose parts somebody removed meanwhile', { skip }, async () => {
  const record = accepted(1, { raw: randomBytes(1_000_000) })
  let isErasing = true
  const { store, truth, front } = await behindFront('gone', async ({ operation }): Promise<Behaviour> => {
    if (operation === 'TransactWriteItems' && isErasing) {
      isErasing = false
      await truth.erase([record.key])
    }
    return 'pass'
  })
  await using _ = front
  await using __ = store
  await using ___ = truth
  await assert.rejects(put(store, [record]), TransientError)
  assert.equal(await one(truth, record.key), undefined)
  assert.deepEqual(await put(store, [record]), ['stored'])
  assert.ok((await one(truth, record.key))?.received.raw.equals(record.received.raw))
})

test('says so when it is throttled for too long, or a batch never moves on', { skip }, async () => {
  let isThrottled = false
  const { store, front, truth, registry } = await behindFront(
    'starved',
    ({ operation }) => {
      if (!isThrottled) return 'pass'
      return operation === 'BatchGetItem' ? { unprocessed: 100 } : THROTTLED
    },
    { timeoutMs: '1s' },
  )
  await using _ = front
  await using __ = store
  await using ___ = truth
  await using ____ = registry
  isThrottled = true
  const isThrottling = (error: unknown) => error instanceof TransientError && /throttled/.test(error.message)
  await assert.rejects(store.get([accepted(1).key]), isThrottling)
  await assert.rejects(registry.get('a'), isThrottling)
  await assert.rejects(all(store, { by: 'product', product: 'P1' }), isThrottling)
  isThrottled = false
  assert.equal((await store.get([accepted(1).key])).size, 0)
})
