import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Document, Long } from 'mongodb'
import { HeadwaterError, TransientError } from '../../../../src/errors.ts'
import mongodb from '../../../../src/stores/mongodb/index.ts'
import { silent } from '../../../support/queue-context.ts'
import { accepted, acceptedVerdict, numbered, put, rejected } from '../../../support/records.ts'
import {
  type Answer,
  type ScriptedMongodb,
  scriptedMongodb,
} from '../../../support/servers/mongodb-script.ts'
import { provisionedEmpty } from '../../../support/servers/mongodb-empty.ts'
import { startProxy } from '../../../support/servers/proxy.ts'
import { all } from '../../../support/store-reads.ts'

// What is asked of a replica set and how its answers are taken, which a server that is alone can't show.

const context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
const DURABLE = { w: 'majority', j: true }

/** A provisioned database without rows, which takes everything, unless the test answers. */
function script(
  answer: (command: Document) => Answer | Promise<Answer> | undefined,
): Promise<ScriptedMongodb> {
  return scriptedMongodb((command) => answer(command) ?? provisionedEmpty(command))
}

function open(url: string, options: object = {}) {
  return mongodb.open(mongodb.config.parse({ url, timeoutMs: '2s', ...options }), context)
}

const isTransient = (error: unknown): boolean =>
  error instanceof TransientError && error.code === 'STORE_UNAVAILABLE'
const isRefusal = (error: unknown): boolean =>
  error instanceof HeadwaterError &&
  error.code === 'STORE_REFUSED_ACCESS' &&
  error.message.includes('store.url')

const concernOf = ({ writeConcern }: Document): unknown => ({ w: writeConcern?.w, j: writeConcern?.j })

test('asks for a majority and the journal with every write, and reads what a majority has, whatever the url says', async () => {
  await using server = await script(() => undefined)
  const url = `${server.url}&w=1&journal=false&readPreference=secondary&readConcernLevel=local`
  await using store = await open(url)
  await put(store, [accepted(1)])
  await store.amend(accepted(1).key, 0, acceptedVerdict('R', 'P'))
  await store.erase([accepted(1).key])
  await all(store, { by: 'time' })
  await store.get([accepted(1).key])
  const writes = server.asked.filter((command) =>
    ['insert', 'update', 'delete'].some((name) => name in command),
  )
  assert.deepEqual(
    writes.map(concernOf),
    writes.map(() => DURABLE),
  )
  assert.ok(writes.length >= 4)
  const reads = server.asked.filter((command) => 'find' in command)
  assert.deepEqual(
    reads.map(({ readConcern }) => readConcern),
    reads.map(() => ({ level: 'majority' })),
  )
  assert.ok(
    reads.every(({ $readPreference }) => $readPreference === undefined || $readPreference.mode === 'primary'),
  )
})

test('reads a name of the registry linearizably', async () => {
  await using server = await script(() => undefined)
  await using registry = await mongodb.openRegistry(mongodb.config.parse({ url: server.url }), context)
  await registry.get('a')
  const [read] = server.asked.filter((command) => 'find' in command)
  assert.deepEqual(read?.['readConcern'], { level: 'linearizable' })
  assert.equal(await registry.compareAndSet('a', 0, Buffer.from('1')), true)
  const writes = server.asked.filter((command) => 'insert' in command || 'findAndModify' in command)
  assert.deepEqual(writes.map(concernOf), [DURABLE, DURABLE])
})

const NOT_REPLICATED = {
  code: 64,
  codeName: 'WriteConcernTimeout',
  errmsg: 'waiting for replication timed out',
}
const THERE = {
  index: 0,
  code: 11_000,
  errmsg: 'E11000 duplicate key error collection: headwater.reviews index: _id_ dup key',
}

test('takes nothing for stored that no majority has, not even what was there', async () => {
  for (const said of [{ n: 1 }, { n: 0, writeErrors: [THERE] }]) {
    await using server = await script((command) =>
      'insert' in command ? { ok: 1, ...said, writeConcernError: NOT_REPLICATED } : undefined,
    )
    await using store = await open(server.url)
    await assert.rejects(put(store, [accepted(1)]), isTransient)
  }
  await using server = await script((command) =>
    'update' in command ? { ok: 1, n: 0, nModified: 0, writeConcernError: NOT_REPLICATED } : undefined,
  )
  await using store = await open(server.url)
  await assert.rejects(store.amend('0'.repeat(32), 0, acceptedVerdict('R', 'P')), isTransient)
})

test('tells what was there, what is refused for ever, and what is stored, one by one', async () => {
  const invalid = { index: 2, code: 121, errmsg: 'Document failed validation' }
  await using server = await script((command) =>
    'insert' in command ? { ok: 1, n: 2, writeErrors: [THERE, invalid] } : undefined,
  )
  await using store = await open(server.url)
  const [there, stored, refused, last] = await put(store, numbered(4))
  assert.deepEqual([there, stored, last], ['unchanged', 'stored', 'stored'])
  assert.deepEqual(refused, {
    code: 'refused_by_store',
    message: 'MongoDB: Document failed validation (121)',
  })
})

test('does not take the duplicate of another index for a record that is there', async () => {
  const other = {
    index: 0,
    code: 11_000,
    errmsg: 'E11000 duplicate key error collection: headwater.reviews index: my_own_1 dup key',
  }
  await using server = await script((command) =>
    'insert' in command ? { ok: 1, n: 0, writeErrors: [other] } : undefined,
  )
  await using store = await open(server.url)
  const [outcome] = await put(store, [accepted(1)])
  assert.equal(typeof outcome === 'object' && outcome.code, 'refused_by_store')
})

test('fails as a whole where what became of one record is not known', async () => {
  const full = { index: 1, code: 14_031, errmsg: 'OutOfDiskSpace' }
  await using server = await script((command) =>
    'insert' in command ? { ok: 1, n: 1, writeErrors: [THERE, full] } : undefined,
  )
  await using store = await open(server.url)
  await assert.rejects(put(store, numbered(3)), isTransient)
})

test('writes again, by itself, what a primary did not take that steps down, and once only', async () => {
  const stepsDown = {
    ok: 0,
    code: 10_107,
    codeName: 'NotWritablePrimary',
    errmsg: 'not primary',
    errorLabels: ['RetryableWriteError'],
  }
  let refusals = 1
  await using server = await script((command) =>
    'insert' in command && refusals-- > 0 ? stepsDown : undefined,
  )
  await using store = await open(server.url)
  assert.deepEqual(await put(store, [accepted(1)]), ['stored'])
  const [first, second] = server.asked.filter((command) => 'insert' in command)
  assert.deepEqual([first?.['lsid'], first?.['txnNumber']], [second?.['lsid'], second?.['txnNumber']])
  refusals = 2
  await assert.rejects(put(store, [accepted(2)]), isTransient)
})

test('may be asked again after a connection was cut in place of an answer', async () => {
  let cuts = 2
  await using server = await script((command) => ('insert' in command && cuts-- > 0 ? 'cut' : undefined))
  await using store = await open(server.url)
  await assert.rejects(put(store, [accepted(1)]), isTransient)
  assert.deepEqual(await put(store, [accepted(1)]), ['stored'])
})

test('sums up dead letters in longer than it waits for anything else, once for all who ask, and rests before the next sum', async () => {
  const begun = Promise.withResolvers<void>()
  const summed = Promise.withResolvers<Document>()
  await using server = await script((command) => {
    if ('aggregate' in command) {
      begun.resolve()
      return summed.promise
    }
    return 'find' in command && command['filter']?._id?.$in?.[0] === 'slow'
      ? new Promise(() => {})
      : undefined
  })
  await using store = await open(server.url, { timeoutMs: '2s' })
  const bytes = async () => store.deadLetterBytes?.()
  const asked = Promise.all([bytes(), bytes()])
  await begun.promise
  // That question is begun later, and had as much time as any has.
  await assert.rejects(store.get(['slow']), isTransient)
  summed.resolve({ ok: 1, cursor: { id: Long.ZERO, ns: 'headwater.reviews', firstBatch: [{ bytes: 7 }] } })
  assert.deepEqual(await asked, [7, 7])
  await store.amend(accepted(1).key, 0, acceptedVerdict('R', 'P'))
  await store.erase([accepted(1).key])
  await put(store, [rejected(2, 'c', { raw: Buffer.alloc(3) })])
  assert.equal(await bytes(), 10)
  const sums = server.asked.filter((command) => 'aggregate' in command)
  assert.equal(sums.length, 1)
  assert.ok(sums[0]?.['maxTimeMS'] >= 60_000)
})

test('closes within seconds, though nobody answers', async () => {
  await using server = await script(() => undefined)
  await using wire = await startProxy({ port: Number(server.address.split(':')[1]) })
  const store = await open(`mongodb://127.0.0.1:${wire.port}/?directConnection=true`, { timeoutMs: '20s' })
  await put(store, [accepted(1)])
  wire.stall('both')
  const startedAt = performance.now()
  await store[Symbol.asyncDispose]()
  assert.ok(performance.now() - startedAt < 5_000)
})

test('says which setting is wrong when user or password are', async () => {
  await using server = await script((command) =>
    'saslStart' in command
      ? { ok: 0, code: 18, codeName: 'AuthenticationFailed', errmsg: 'Authentication failed.' }
      : undefined,
  )
  const opened = open(server.url, {
    username: 'somebody',
    password: 'p:/?#[]@',
    authMechanism: 'SCRAM-SHA-256',
  })
  await assert.rejects(opened, isRefusal)
  await assert.rejects(
    opened,
    (error: Error) => error.message.includes(server.address) && !error.message.includes('p:/?'),
  )
})

test('says so when the user may not do what is needed', async () => {
  const refused = {
    ok: 0,
    code: 13,
    codeName: 'Unauthorized',
    errmsg: 'not authorized on headwater to execute command',
  }
  for (const name of ['listCollections', 'listIndexes']) {
    await using server = await script((command) => (name in command ? refused : undefined))
    await assert.rejects(open(server.url), isRefusal)
  }
  await using server = await script((command) => ('insert' in command ? refused : undefined))
  await using store = await open(server.url)
  await assert.rejects(put(store, [accepted(1)]), isRefusal)
})

test('does not begin with a connection string that it could read wrong, and never shows it', async () => {
  for (const url of [
    'mongodb://user:p@ss@host',
    'mongodb://user:p/ss@host',
    'mongodb://user:p#ss@host',
    'host:1',
  ]) {
    const { success, error } = mongodb.config.safeParse({ url })
    assert.equal(success, false, url)
    assert.doesNotMatch(error?.message ?? '', /ss@/)
  }
  const unreadable = open('mongodb://user:p%zz@host')
  await assert.rejects(
    unreadable,
    (error: Error) => /store\.url/.test(error.message) && !error.message.includes('zz'),
  )
})
