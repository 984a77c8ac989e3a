import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { test } from 'node:test'
import {
  type BulkWriteResult,
  type Document,
  MongoBulkWriteError,
  MongoClient,
  MongoClientClosedError,
  MongoError,
  MongoInvalidArgumentError,
  MongoMissingCredentialsError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoParseError,
  MongoServerError,
  MongoServerSelectionError,
  MongoUnexpectedServerResponseError,
  MongoWriteConcernError,
} from 'mongodb'
import { HeadwaterError, TransientError } from '../../../../src/errors.ts'
import { translate } from '../../../../src/stores/mongodb/translate.ts'
import { isDuplicate, outcomesIn } from '../../../../src/stores/mongodb/write-errors.ts'
import { freePorts } from '../../../support/servers/process.ts'

const server = (code: number, more: object = {}): MongoServerError =>
  new MongoServerError({ message: `the server says ${code}`, code, ...more })

/** As the client makes it of an answer, of an error on the way, or of the write concern. */
const bulk = (error: Error | Document): MongoBulkWriteError =>
  new MongoBulkWriteError(error as MongoError, {} as BulkWriteResult)

const unconfirmed = { errmsg: 'waiting for replication timed out', code: 64 }
const duplicate = {
  index: 0,
  code: 11_000,
  errmsg: 'E11000 duplicate key error collection: d.reviews index: _id_ dup key: {}',
}

async function selectionError(): Promise<unknown> {
  const [port] = await freePorts(1)
  const client = new MongoClient(`mongodb://127.0.0.1:${port}`, { serverSelectionTimeoutMS: 50 })
  return client.connect().catch((error: unknown) => error)
}

/** The hosts of `mongodb+srv` are asked for with Node's own resolver. */
async function unresolved(): Promise<unknown> {
  const resolver = new Resolver({ timeout: 100, tries: 1 })
  resolver.setServers(['127.0.0.1:1'])
  return resolver.resolveSrv('_mongodb._tcp.nowhere.invalid').catch((error: unknown) => error)
}

function reset(): Error {
  return Object.assign(new Error('write ECONNRESET'), { errno: -104, code: 'ECONNRESET', syscall: 'write' })
}

const TRANSIENT: Readonly<Record<string, unknown>> = {
  'nobody listens': await selectionError(),
  'hosts that can not be looked up': await unresolved(),
  'a connection is lost': new MongoNetworkError('connection 1 to 127.0.0.1:1 closed'),
  'a connection is silent': new MongoNetworkTimeoutError('connection 1 to 127.0.0.1:1 timed out'),
  'the socket is reset': reset(),
  'a connection is lost under a bulk write': bulk(new MongoNetworkError('closed')),
  'the socket is reset under a bulk write': bulk(reset()),
  'a bulk write is not confirmed': bulk({ message: 'waiting for replication timed out', code: 64 }),
  'a bulk write is not confirmed for a reason of its own': bulk({ message: 'no such mode', code: 4_711 }),
  'a write is not confirmed': new MongoWriteConcernError({ ok: 1, writeConcernError: unconfirmed }),
  'a primary steps down': server(10_107),
  'a primary steps down under a bulk write': bulk(server(189)),
  'the server shuts down': server(91),
  'a full disk under one of several documents': bulk({
    message: 'x',
    code: 11_000,
    writeErrors: [duplicate, { index: 1, code: 14_031, errmsg: 'OutOfDiskSpace' }],
  }),
  'the server is overloaded': server(462, { errorLabels: ['SystemOverloadedError', 'RetryableError'] }),
  'an answer that can not be read': new MongoUnexpectedServerResponseError('BSON element "id" is missing'),
  'no answer at all': new MongoParseError('Invalid message size: 1700000000, max allowed: 48000000'),
}

const REFUSED: Readonly<Record<string, unknown>> = {
  'wrong user or password': server(18, { errorLabels: ['HandshakeError', 'ResetPool'] }),
  'no permission': server(13),
  'no permission under a bulk write': bulk(server(13)),
  'Atlas refuses': server(8_000),
  'no user where one is needed': new MongoMissingCredentialsError('username required for mechanism PLAIN'),
}

const BUGS: Readonly<Record<string, unknown>> = {
  'a document that is too large': new MongoInvalidArgumentError(
    'Document is larger than the maximum size 16777216',
  ),
  'a command that is not known': server(59),
  'a client that was closed': new MongoClientClosedError(),
  'a mistake of ours': new TypeError('x is not a function'),
  'no error at all': 'text',
}

for (const [what, error] of Object.entries(TRANSIENT)) {
  test(`is tried again: ${what}`, () => {
    const translated = translate(error, 'db:27017')
    assert.ok(translated instanceof TransientError, String(translated))
    assert.equal(translated.code, 'STORE_UNAVAILABLE')
    assert.match(translated.message, /^store\.url: db:27017: ./)
    assert.equal(translated.cause instanceof Error, true)
  })
}

for (const [what, error] of Object.entries(REFUSED)) {
  test(`is refused: ${what}`, () => {
    const translated = translate(error, 'db:27017')
    assert.ok(translated instanceof HeadwaterError && !(translated instanceof TransientError))
    assert.equal(translated.code, 'STORE_REFUSED_ACCESS')
    assert.match(translated.message, /^store\.url: db:27017: ./)
  })
}

for (const [what, error] of Object.entries(BUGS)) {
  test(`stays what it is: ${what}`, () => assert.equal(translate(error, 'db:27017'), error))
}

test('stays what it is: what was translated before', () => {
  const error = new HeadwaterError('DATA_CORRUPT', 'x')
  assert.equal(translate(error, 'db:27017'), error)
})

test('the client means what is expected here', () => {
  assert.ok(TRANSIENT['nobody listens'] instanceof MongoServerSelectionError)
})

test('says nothing of any document unless all that is said is final', () => {
  assert.equal(outcomesIn(bulk(new MongoNetworkError('closed'))), undefined)
  assert.equal(outcomesIn(bulk({ message: 'x', code: 64 })), undefined)
  assert.equal(
    outcomesIn(bulk({ message: 'x', code: 11_000, writeErrors: [duplicate, { ...duplicate, code: 91 }] })),
    undefined,
  )
  const said = outcomesIn(bulk({ message: 'x', code: 11_000, writeErrors: [{ ...duplicate, index: 7 }] }))
  assert.deepEqual([...(said ?? [])], [[7, 'unchanged']])
})

test('knows the duplicate of a key from that of another index', () => {
  const message = (index: string) =>
    `E11000 duplicate key error collection: d.reviews index: ${index} dup key: {}`
  assert.equal(isDuplicate(new MongoServerError({ message: message('_id_'), code: 11_000 })), true)
  assert.equal(isDuplicate(new MongoServerError({ message: message('d.reviews.$_id_'), code: 11_000 })), true)
  assert.equal(isDuplicate(new MongoServerError({ message: message('my_own_1'), code: 11_000 })), false)
  assert.equal(isDuplicate(new MongoServerError({ message: message('_id_'), code: 11_001 })), false)
})
