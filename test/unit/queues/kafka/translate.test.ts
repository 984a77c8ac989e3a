import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import {
  Admin,
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  ProtocolError,
  TimeoutError,
  UnexpectedCorrelationIdError,
  UnsupportedApiError,
  UserError,
} from '@platformatic/kafka'
import { HeadwaterError, TransientError } from '../../../../src/errors.ts'
import { isRebalancing, says, translate } from '../../../../src/queues/kafka/translate.ts'

const ADDRESS = 'kafka-1:9092'

/** As the client hands it over after several attempts: nested, and within a failed connection. */
const nested = (error: Error): Error =>
  new MultipleErrors('produce failed 3 times.', [
    new NetworkError('Connection to kafka-1:9092 failed.', {
      cause: new MultipleErrors('Received', [error]),
    }),
  ])

const protocol = (id: string): Error => new ProtocolError(id as never)
const coded = (code: string, message = code): Error => Object.assign(new Error(message), { code })

const TABLE: readonly (readonly [error: unknown, code: string, isTransient: boolean, says: RegExp])[] = [
  [protocol('SASL_AUTHENTICATION_FAILED'), 'QUEUE_REFUSED', false, /queue\.sasl/],
  [protocol('UNSUPPORTED_SASL_MECHANISM'), 'QUEUE_REFUSED', false, /queue\.sasl\.mechanism/],
  [protocol('TOPIC_AUTHORIZATION_FAILED'), 'QUEUE_REFUSED', false, /permission for the topic/],
  [protocol('GROUP_AUTHORIZATION_FAILED'), 'QUEUE_REFUSED', false, /queue\.group_prefix/],
  [protocol('INVALID_SESSION_TIMEOUT'), 'QUEUE_REFUSED', false, /queue\.session_timeout/],
  [protocol('INVALID_REPLICATION_FACTOR'), 'QUEUE_REFUSED', false, /queue\.replication/],
  [protocol('MESSAGE_TOO_LARGE'), 'QUEUE_REFUSED', false, /queue\.max_message_bytes/],
  [coded('SELF_SIGNED_CERT_IN_CHAIN'), 'QUEUE_REFUSED', false, /queue\.tls/],
  [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'QUEUE_REFUSED', false, /queue\.tls/],
  [new UserError('Broker requires TLS.'), 'QUEUE_REFUSED', false, /queue\.tls/],
  [new UnsupportedApiError('Unsupported API Fetch.'), 'QUEUE_REFUSED', false, /too old/],
  [protocol('UNKNOWN_TOPIC_OR_PARTITION'), 'TOPIC_MISSING', true, /topic is not there/],
  [new UserError('Unknown topic raw-reviews.'), 'TOPIC_MISSING', true, /topic is not there/],
  [protocol('NOT_ENOUGH_REPLICAS'), 'QUEUE_UNAVAILABLE', true, /NOT_ENOUGH_REPLICAS/],
  [protocol('NOT_LEADER_OR_FOLLOWER'), 'QUEUE_UNAVAILABLE', true, /NOT_LEADER_OR_FOLLOWER/],
  [protocol('COORDINATOR_NOT_AVAILABLE'), 'QUEUE_UNAVAILABLE', true, /COORDINATOR_NOT_AVAILABLE/],
  [protocol('OUT_OF_ORDER_SEQUENCE_NUMBER'), 'QUEUE_UNAVAILABLE', true, /OUT_OF_ORDER/],
  [
    coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:9'),
    'QUEUE_UNAVAILABLE',
    true,
    /connect ECONNREFUSED/,
  ],
  [new NetworkError('Connection closed'), 'QUEUE_UNAVAILABLE', true, /Connection closed/],
  [new TimeoutError('Request timed out'), 'QUEUE_UNAVAILABLE', true, /Request timed out/],
  [new UnexpectedCorrelationIdError('Received nonsense'), 'QUEUE_UNAVAILABLE', true, /Received nonsense/],
  // A handshake that was cut off is no refusal.
  [
    new AuthenticationError('Cannot find a suitable SASL mechanism.', {
      cause: new NetworkError('Connection closed'),
    }),
    'QUEUE_UNAVAILABLE',
    true,
    /Connection closed/,
  ],
  [new RangeError('index out of range'), 'QUEUE_UNAVAILABLE', true, /index out of range/],
]

test('says of every error of the client whether it may pass, and what to do', () => {
  for (const [error, code, isTransient, words] of TABLE) {
    for (const form of [error, nested(error as Error)]) {
      const translated = translate(form, ADDRESS)
      assert.equal(translated.code, code, String(error))
      assert.equal(translated instanceof TransientError, isTransient, String(error))
      assert.match(translated.message, words)
      assert.match(translated.message, /queue\.brokers kafka-1:9092/)
      assert.equal(translated.cause, form)
    }
  }
})

test('leaves its own errors as they are', () => {
  const error = new HeadwaterError('USAGE', 'so')
  assert.equal(translate(error, ADDRESS), error)
})

test('finds what the brokers said in what was made of it', () => {
  const error = nested(protocol('GROUP_ID_NOT_FOUND'))
  assert.ok(says(translate(error, ADDRESS), 'GROUP_ID_NOT_FOUND'))
  assert.ok(!says(error, 'NON_EMPTY_GROUP'))
  assert.ok(isRebalancing(nested(protocol('ILLEGAL_GENERATION'))))
  assert.ok(!isRebalancing(nested(protocol('NOT_COORDINATOR'))))
})

test('translates what the client raises where nobody is, and where somebody talks nonsense', async () => {
  const nonsense = createServer((socket) => socket.once('data', () => socket.end(Buffer.alloc(64, 0xfe))))
  nonsense.listen(0, '127.0.0.1')
  await once(nonsense, 'listening')
  const address = nonsense.address()
  const port = typeof address === 'object' && address ? address.port : 0
  for (const broker of ['127.0.0.1:9', `127.0.0.1:${port}`]) {
    const admin = new Admin({
      clientId: 'test',
      bootstrapBrokers: [broker],
      retries: 0,
      connectTimeout: 1_000,
    })
    const error = await admin.metadata({ topics: ['t'] }).then(
      () => assert.fail('it answered'),
      (reason: unknown) => translate(reason, broker),
    )
    await admin.close()
    assert.ok(error instanceof TransientError)
    assert.equal(error.code, 'QUEUE_UNAVAILABLE')
  }
  nonsense.close()
})
