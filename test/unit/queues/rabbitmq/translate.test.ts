import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import amqplib from 'amqplib'
import { HeadwaterError, TransientError } from '../../../../src/errors.ts'
import { isNotFound, translate } from '../../../../src/queues/rabbitmq/translate.ts'

/** The client's own making of an error from what the broker sends as it closes a channel; no part of its public face. */
const inside = new URL('../../../../node_modules/amqplib/lib/channel.js', import.meta.url)
const { convertCloseFrameToError } = (
  (await import(inside.href)) as {
    default: { convertCloseFrameToError: (method: number, frame: object) => Error }
  }
).default

const QUEUE_DECLARE = (50 << 16) + 10

/** A channel that the broker closes with this code and text while a queue is declared, or at any time. */
function closed(replyCode: number, replyText: string, isAnswer = true): Error {
  const fields = { replyCode, replyText, classId: isAnswer ? 50 : 60, methodId: isAnswer ? 10 : 40 }
  return convertCloseFrameToError(QUEUE_DECLARE, { fields })
}

/** What the client says of a server that says this. */
async function said(bytes: Uint8Array): Promise<Error> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(bytes)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const error: unknown = await amqplib.connect(`amqp://127.0.0.1:${port}`).catch((reason: unknown) => reason)
  server.close()
  assert.ok(error instanceof Error)
  return error
}

async function refusedByTls(): Promise<Error> {
  const server = createServer((socket) => socket.end('AMQP\0\0\t\x01')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connectTls({ port, host: '127.0.0.1' })
  const [error] = (await once(socket, 'error').catch((reason: unknown) => [reason])) as [Error]
  server.close()
  return error
}

async function nobody(host: string): Promise<Error> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return amqplib.connect(`amqp://${host}:${port}`).then(
    () => assert.fail('nobody is there'),
    (error: Error) => error,
  )
}

const inequivalent = "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'x' in vhost '/'"

const table: readonly (readonly [string, Error, string, boolean, RegExp])[] = [
  ['nothing listens', await nobody('127.0.0.1'), 'QUEUE_UNAVAILABLE', true, /ECONNREFUSED/],
  [
    'nothing listens at any address of a name',
    await nobody('localhost'),
    'QUEUE_UNAVAILABLE',
    true,
    /ECONNREFUSED/,
  ],
  ['the connection ends at once', await said(Buffer.of()), 'QUEUE_UNAVAILABLE', true, /closed|ECONNRESET/],
  ['nonsense is said', await said(Buffer.alloc(64, 0xfe)), 'QUEUE_UNAVAILABLE', true, /Frame|frame/],
  ['what answers is not encrypted', await refusedByTls(), 'QUEUE_REFUSED', false, /^queue\.tls: broker:1: /],
  [
    'the channel is closed',
    new amqplib.IllegalOperationError('Channel closed', ''),
    'QUEUE_UNAVAILABLE',
    true,
    /closed/,
  ],
  [
    'nothing may be done',
    closed(403, "ACCESS_REFUSED - access to queue 'q' refused"),
    'QUEUE_REFUSED',
    false,
    /^queue\.url: broker:1: the user may not .* access to queue 'q'/,
  ],
  [
    'it is not there',
    closed(404, "NOT_FOUND - no exchange 'x'", false),
    'TOPIC_MISSING',
    true,
    /no exchange 'x': run `headwater provision`$/,
  ],
  ['somebody has it alone', closed(405, 'RESOURCE_LOCKED'), 'QUEUE_UNAVAILABLE', true, /RESOURCE_LOCKED/],
  [
    'it is something else',
    closed(406, inequivalent),
    'TOPIC_MISSING',
    false,
    /other properties: .*inequivalent arg 'type'/,
  ],
  [
    'it is too large',
    closed(406, 'PRECONDITION_FAILED - message size 9 is larger than configured max size 8', false),
    'QUEUE_REFUSED',
    false,
    /^queue\.max_message_bytes: /,
  ],
  [
    'it was held for too long',
    closed(406, 'PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out', false),
    'QUEUE_UNAVAILABLE',
    true,
    /timed out/,
  ],
  ['the broker fails', closed(541, 'INTERNAL_ERROR', false), 'QUEUE_UNAVAILABLE', true, /INTERNAL_ERROR/],
]

for (const [title, error, code, isTransient, text] of table)
  test(`says what it means where ${title}`, () => {
    const translated = translate(error, 'broker:1')
    assert.ok(translated instanceof HeadwaterError, String(translated))
    assert.equal(translated.code, code)
    assert.equal(translated instanceof TransientError, isTransient)
    assert.match(translated.message, text)
    assert.match(translated.message, /broker:1/)
  })

test('leaves bugs and what is translated already as they are', () => {
  const known = new HeadwaterError('NOT_FOUND', 'no such group')
  for (const error of [new TypeError('x'), new RangeError('x'), known, 'text', undefined])
    assert.equal(translate(error, 'broker:1'), error)
})

test('knows what is not there', () => {
  assert.equal(isNotFound(closed(404, 'NOT_FOUND')), true)
  assert.equal(isNotFound(closed(403, 'ACCESS_REFUSED')), false)
  assert.equal(isNotFound(undefined), false)
})
