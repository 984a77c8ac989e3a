import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import * as library from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { HeadwaterError, TransientError } from '../../../../src/errors.ts'
import { isNamed, translate } from '../../../../src/queues/kinesis/translate.ts'
import { freePorts } from '../../../support/servers/process.ts'

const place = {
  stream: 'raw-reviews',
  address: 'kinesis.eu-central-1.amazonaws.com',
  setting: 'queue.region',
} as const
const $metadata = { httpStatusCode: 400 }
const message = 'as the service says it'

const again = 'QUEUE_UNAVAILABLE'
const never = 'QUEUE_REFUSED'

/** What the service says, as the client's own classes have it. */
const said = [
  [new library.ProvisionedThroughputExceededException({ message, $metadata }), again],
  [new library.LimitExceededException({ message, $metadata }), again],
  [new library.ResourceInUseException({ message, $metadata }), again],
  [new library.InternalFailureException({ message, $metadata: { httpStatusCode: 500 } }), again],
  [new library.ExpiredIteratorException({ message, $metadata }), again],
  [new library.ExpiredNextTokenException({ message, $metadata }), again],
  [new library.KMSThrottlingException({ message, $metadata }), again],
  [new library.KMSInvalidStateException({ message, $metadata }), again],
  [service('ThrottlingException'), again],
  [service('ServiceUnavailable', 503), again],
  [service('AnythingNew', 502), again],
  [new library.ResourceNotFoundException({ message, $metadata }), 'TOPIC_MISSING'],
  [new library.AccessDeniedException({ message, $metadata }), never],
  [new library.KMSAccessDeniedException({ message, $metadata }), never],
  [new library.KMSDisabledException({ message, $metadata }), never],
  [new library.KMSNotFoundException({ message, $metadata }), never],
  [new library.KMSOptInRequired({ message, $metadata }), never],
  [new library.InvalidArgumentException({ message, $metadata }), never],
  [new library.ValidationException({ message, $metadata }), never],
  [service('UnrecognizedClientException'), never],
  [service('InvalidSignatureException'), never],
  [service('ExpiredTokenException'), never],
  [service('MissingAuthenticationTokenException'), never],
] as const

for (const [error, code] of said)
  test(`${error.name} is ${code}`, () => {
    const translated = translate(error, place)
    assert.ok(translated instanceof HeadwaterError, String(translated))
    assert.equal(translated.code, code)
    assert.equal(translated instanceof TransientError, code === again)
    assert.ok(isNamed(translated, error.name))
    assert.match(translated.message, /kinesis\.eu-central-1\.amazonaws\.com \(queue\.region\)/)
  })

test('what was signed is in no message', () => {
  const error = translate(service('InvalidSignatureException'), place)
  assert.ok(error instanceof Error)
  assert.doesNotMatch(error.message, /as the service says it/)
})

test('credentials that can not be found for now are tried again', async () => {
  const credentials = () =>
    Promise.reject(Object.assign(new Error('no role'), { name: 'CredentialsProviderError' }))
  await using client = clientFor(await closedPort(), { credentials })
  assertAgain(await failureOf(client.client), /no AWS credentials.*no role/)
})

test('nobody listens', async () => {
  await using client = clientFor(await closedPort())
  assertAgain(await failureOf(client.client), /can not reach.*ECONNREFUSED/)
})

test('a host that nobody knows', async () => {
  await using client = clientFor(1, { endpoint: 'http://nowhere.invalid' })
  assertAgain(await failureOf(client.client), /can not reach/)
})

test('a connection is reset', async () => {
  await using server = await serverThat((socket) => socket.resetAndDestroy())
  await using client = clientFor(server.port)
  assertAgain(await failureOf(client.client), /can not reach/)
})

test('a connection is closed without an answer', async () => {
  await using server = await serverThat((socket) => void socket.once('data', () => socket.end()))
  await using client = clientFor(server.port)
  assertAgain(await failureOf(client.client), /can not reach.*socket hang up/)
})

test('no answer comes in time', async () => {
  await using server = await serverThat(() => {})
  await using client = clientFor(server.port, { requestHandler: handler(100) })
  assertAgain(await failureOf(client.client), /can not reach.*100 ms/)
})

for (const [what, answer] of [
  ['nonsense', '\xfe\xfe\xfe\xfe'],
  ['a page of a gateway', 'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n<html>no</html>'],
  ['a gateway that is unwell', 'HTTP/1.1 503 Unavailable\r\ncontent-length: 2\r\n\r\nno'],
  ['an answer that is cut off', 'HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{"StreamDescr'],
] as const)
  test(`${what} is tried again`, async () => {
    await using server = await serverThat((socket) => {
      socket.once('data', () => socket.end(Buffer.from(answer, 'latin1')))
    })
    await using client = clientFor(server.port)
    assertAgain(await failureOf(client.client), /Kinesis/)
  })

test('what nobody has classified stays as it is', () => {
  const bug = new TypeError('x is not a function')
  assert.equal(translate(bug, place), bug)
  assert.equal(translate('text', place), 'text')
})

/** An error of the service for which the client has no class. */
function service(name: string, httpStatusCode = 400): library.KinesisServiceException {
  return new library.KinesisServiceException({
    name,
    message,
    $fault: httpStatusCode < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode },
  })
}

function assertAgain(error: unknown, text: RegExp): void {
  const translated = translate(error, place)
  assert.ok(translated instanceof TransientError, String(translated))
  assert.equal(translated.code, again)
  assert.match(translated.message, text)
}

async function failureOf(client: library.KinesisClient): Promise<unknown> {
  const answered = await client
    .send(new library.DescribeStreamSummaryCommand({ StreamName: 'raw-reviews' }))
    .catch((error: unknown) => error)
  assert.ok(answered instanceof Error, 'expected it to fail')
  return answered
}

function clientFor(port: number, more: library.KinesisClientConfig = {}) {
  const client = new library.KinesisClient({
    region: 'eu-central-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    requestHandler: handler(60_000),
    maxAttempts: 1,
    ...more,
  })
  return { client, [Symbol.asyncDispose]: async () => client.destroy() }
}

const handler = (requestTimeout: number) =>
  new NodeHttpHandler({ requestTimeout, throwOnRequestTimeout: true })

async function closedPort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

async function serverThat(act: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    act(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
