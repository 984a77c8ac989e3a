import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import * as library from '@aws-sdk/client-dynamodb'
import { HeadwaterError, TransientError } from '../../../../src/errors.ts'
import dynamodb from '../../../../src/stores/dynamodb/index.ts'
import {
  arePartsGone,
  atOpening,
  isConditionFailed,
  isThrottled,
  isUnanswered,
  translate,
} from '../../../../src/stores/dynamodb/translate.ts'
import { silent } from '../../../support/queue-context.ts'
import { changeEnv } from '../../../support/process-env.ts'
import { freePorts } from '../../../support/servers/process.ts'

const PLACE = 'store.region eu-central-1'
const made = { message: 'in the words of the service', $metadata: { httpStatusCode: 400 } }

/** An error that the client has no class for, as it makes one of an answer. */
const unmodelled = (name: string, httpStatusCode = 400): Error =>
  new library.DynamoDBServiceException({ name, $fault: 'client', ...made, $metadata: { httpStatusCode } })

const cancelled = (...codes: readonly string[]): Error =>
  new library.TransactionCanceledException({ ...made, CancellationReasons: codes.map((Code) => ({ Code })) })

const throttled = [
  new library.ProvisionedThroughputExceededException(made),
  new library.ThrottlingException(made),
  new library.RequestLimitExceeded(made),
  new library.LimitExceededException(made),
  new library.TransactionConflictException(made),
  new library.TransactionInProgressException(made),
  cancelled('None', 'ThrottlingError'),
  cancelled('ConditionalCheckFailed', 'TransactionConflict'),
  cancelled('ProvisionedThroughputExceeded'),
]

test('what was throttled is tried again, and was not applied', () => {
  for (const error of throttled) {
    assert.ok(isThrottled(error), error.name)
    assert.ok(!isUnanswered(error) && !isConditionFailed(error), error.name)
    const found = translate(error, PLACE)
    assert.ok(found instanceof TransientError && found.code === 'STORE_UNAVAILABLE', error.name)
    assert.match(found.message, /^store\.region eu-central-1: throttled/)
    assert.equal(found.cause, error)
  }
})

test('what the service does not know itself is tried again', () => {
  const errors = [
    new library.InternalServerError({ ...made, $metadata: { httpStatusCode: 500 } }),
    unmodelled('InternalFailure', 500),
    unmodelled('ServiceUnavailable', 503),
    unmodelled('UnknownError', 502),
  ]
  for (const error of errors) {
    assert.ok(isUnanswered(error) && !isThrottled(error), error.name)
    assert.ok(translate(error, PLACE) instanceof TransientError, error.name)
  }
})

test('who is refused hears of the setting, and of what AWS said', () => {
  const names = [
    'AccessDeniedException',
    'UnrecognizedClientException',
    'InvalidSignatureException',
    'IncompleteSignatureException',
    'ExpiredTokenException',
    'MissingAuthenticationTokenException',
  ]
  for (const name of names) {
    const found = translate(unmodelled(name), PLACE)
    assert.ok(found instanceof HeadwaterError && !(found instanceof TransientError), name)
    assert.equal(found.code, 'STORE_REFUSED_ACCESS')
    assert.match(found.message, new RegExp(`store\\.region.*${name}: in the words.*store\\.credentials`))
  }
})

test('a table that is gone is named with what makes it', () => {
  const found = translate(new library.ResourceNotFoundException(made), PLACE)
  assert.ok(found instanceof HeadwaterError)
  assert.equal(found.code, 'TABLES_MISSING')
  assert.match(found.message, /in the words of the service; `headwater provision` makes it/)
})

test('parts that are gone are told from an item that is there', () => {
  assert.ok(arePartsGone(cancelled('ConditionalCheckFailed', 'None')))
  assert.ok(!arePartsGone(cancelled('ConditionalCheckFailed', 'ConditionalCheckFailed')))
  assert.ok(!arePartsGone(cancelled('None', 'ConditionalCheckFailed')))
  assert.ok(!arePartsGone(new library.ConditionalCheckFailedException(made)))
})

test('a condition that does not hold is no trouble', () => {
  const errors = [
    new library.ConditionalCheckFailedException(made),
    cancelled('None', 'ConditionalCheckFailed'),
  ]
  for (const error of errors) {
    assert.ok(isConditionFailed(error))
    assert.equal(translate(error, PLACE), error)
  }
})

test('what nobody has classified stays what it is', () => {
  const errors = [
    unmodelled('ValidationException'),
    cancelled('ValidationError'),
    new library.IdempotentParameterMismatchException(made),
    new TypeError('a bug'),
    'no error at all',
  ]
  for (const error of errors) assert.equal(translate(error, PLACE), error)
})

test('what goes wrong on the way is told as the client meets it', async () => {
  const html = createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1')
  const forbids = createServer((_, response) => response.writeHead(403).end('no')).listen(0, '127.0.0.1')
  const cut = createServer((request) => request.socket.resetAndDestroy()).listen(0, '127.0.0.1')
  await Promise.all([html, cut, forbids].map((server) => once(server, 'listening')))
  const [free = 0] = await freePorts(1)
  const at = (port: number, scheme = 'http') => ({ endpoint: `${scheme}://127.0.0.1:${port}` })
  const portOf = (server: typeof html): number => (server.address() as AddressInfo).port
  const transient = [
    at(free),
    at(portOf(html)),
    at(portOf(cut)),
    at(portOf(forbids)),
    at(portOf(html), 'https'),
    at(1, 'http'),
  ]
  for (const where of transient) {
    const error = await provoke(where)
    assert.ok(isUnanswered(error), `${where.endpoint}: ${String(error)}`)
    const found = translate(error, PLACE)
    assert.ok(found instanceof TransientError && found.code === 'STORE_UNAVAILABLE')
    assert.match(found.message, /^store\.region eu-central-1: no answer: \S+/)
  }
  const failing = async () => {
    throw new Error('a bug')
  }
  assert.match(String(await provoke({ ...at(free), credentials: failing })), /a bug/)
  for (const server of [html, cut, forbids]) {
    server.close()
    server.closeAllConnections()
  }
})

test('no region and no credentials are told as what they are', async () => {
  using _ = changeEnv({
    AWS_REGION: undefined,
    AWS_PROFILE: undefined,
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_EC2_METADATA_DISABLED: 'true',
  })
  const missing = await provoke({ region: undefined })
  const found = translate(missing, 'store.region (of the environment)')
  assert.ok(found instanceof HeadwaterError)
  assert.match(found.message, /store\.region: expected a region.*AWS_REGION/)
  for (const profile of [undefined, 'nobody-has-this']) {
    const none = translate(await provoke({ credentials: undefined, profile }), PLACE)
    assert.ok(none instanceof TransientError, 'a role that is renewed may be away for a moment')
    assert.match(none.message, /no credentials: .*store\.credentials/)
    const refused = atOpening(none)
    assert.ok(refused instanceof HeadwaterError && !(refused instanceof TransientError))
    assert.equal(refused.code, 'STORE_REFUSED_ACCESS')
    const config = dynamodb.config.parse({ region: 'eu-central-1', ...(profile && { profile }) })
    const context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
    await assert.rejects(dynamodb.open(config, context), { code: 'STORE_REFUSED_ACCESS' })
  }
})

async function provoke(config: object): Promise<unknown> {
  const client = new library.DynamoDB({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
    ...config,
  })
  try {
    return await client.listTables({})
  } catch (error) {
    return error
  } finally {
    client.destroy()
  }
}
