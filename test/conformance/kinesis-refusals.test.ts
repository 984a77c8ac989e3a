import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HeadwaterError, TransientError } from '../../src/errors.ts'
import { createProvisioner, kinesisSettings, openKinesis, useTestCredentials } from '../support/kinesis.ts'
import { type Fault, openKinesisFront } from '../support/kinesis-front.ts'
import { numbered, text } from '../support/messages.ts'
import { queueContext } from '../support/queue-context.ts'
import { kinesisServer } from '../support/servers/kinesis.ts'
import { freePorts } from '../support/servers/process.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { temporaryFolder } from '../support/temp.ts'

/** Whatever is wrong is said within so long. */
const SOON_MS = 10_000
const DENIED: Fault = {
  type: 'AccessDeniedException',
  message:
    'User: arn:aws:iam::000000000000:user/headwater is not authorized to perform: kinesis:PutRecords on resource: arn:aws:kinesis:us-east-1:000000000000:stream/raw-reviews because no identity-based policy allows the kinesis:PutRecords action',
}

useTestCredentials()
const server = await kinesisServer()
if (server.skip !== false) {
  test('kinesis', { skip: server.skip }, () => {})
} else {
  const folder = await temporaryFolder()
  after(async () => {
    await server.stop()
    await folder[Symbol.asyncDispose]()
  })
  const context = (topic: string, signal?: AbortSignal) => ({
    ...queueContext(folder.path, topic),
    ...(signal && { signal }),
  })
  await createProvisioner(kinesisSettings(server.port), folder.path)('refusals')
  const open = (port: number, topic = 'refusals') => openKinesis(kinesisSettings(port), context(topic))

  async function saysSoon(opening: Promise<AsyncDisposable>): Promise<HeadwaterError> {
    const startedAt = performance.now()
    const error = await opened(opening)
    assert.ok(performance.now() - startedAt < SOON_MS)
    return error
  }

  describe('kinesis queue, refused', () => {
    test('names the endpoint where nobody listens', async () => {
      const [port = 0] = await freePorts(1)
      const error = await saysSoon(open(port))
      assert.ok(error instanceof TransientError)
      assert.equal(error.code, 'QUEUE_UNAVAILABLE')
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} \\(queue\\.endpoint\\).*ECONNREFUSED`))
    })

    test('names the endpoint that nobody knows', async () => {
      const settings = { ...kinesisSettings(0), endpoint: 'https://kinesis.nowhere.invalid' }
      const error = await saysSoon(openKinesis(settings, context('refusals')))
      assert.equal(error.code, 'QUEUE_UNAVAILABLE')
      assert.match(error.message, /kinesis\.nowhere\.invalid \(queue\.endpoint\)/)
    })

    test('names the endpoint that takes connections and says nothing', async () => {
      await using wire = await startProxy({ port: server.port })
      wire.stall('both')
      const error = await saysSoon(open(wire.port))
      assert.equal(error.code, 'QUEUE_UNAVAILABLE')
      assert.match(error.message, /queue\.endpoint\) did not answer within/)
    })

    test('stops opening when it is told to', async () => {
      await using wire = await startProxy({ port: server.port })
      wire.stall('both')
      const stop = new AbortController()
      const opening = openKinesis(kinesisSettings(wire.port), context('refusals', stop.signal))
      const reason = new Error('stopped')
      setImmediate(() => stop.abort(reason))
      await assert.rejects(opening, reason)
    })

    test('says which region is missing', async () => {
      await withEnvironment({ AWS_REGION: undefined, AWS_CONFIG_FILE: '/dev/null' }, async () => {
        const { region: _, ...settings } = kinesisSettings(server.port)
        const error = await saysSoon(openKinesis(settings, context('refusals')))
        assert.equal(error.code, 'QUEUE_REFUSED')
        assert.match(error.message, /queue\.region.*AWS_REGION/)
      })
    })

    test('says which credentials are missing', async () => {
      const none = {
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      }
      await withEnvironment(none, async () => {
        const error = await saysSoon(open(server.port))
        assert.equal(error.code, 'QUEUE_REFUSED')
        assert.match(error.message, /AWS_ACCESS_KEY_ID.*AWS_PROFILE.*role/)
      })
    })

    for (const type of ['UnrecognizedClientException', 'InvalidSignatureException', 'ExpiredTokenException'])
      test(`says that the credentials are not accepted: ${type}`, async () => {
        const message = 'The Canonical String for this request should have been AKIDEXAMPLE'
        await using front = await openKinesisFront(server.port, { fault: () => ({ type, message }) })
        const error = await saysSoon(open(front.port))
        assert.equal(error.code, 'QUEUE_REFUSED')
        assert.match(error.message, new RegExp(`credentials \\(${type}\\).*AWS_ACCESS_KEY_ID`))
        assert.doesNotMatch(error.message, /Canonical/)
      })

    test('says that opening is not allowed', async () => {
      await using front = await openKinesisFront(server.port, { fault: () => DENIED })
      const error = await saysSoon(open(front.port))
      assert.equal(error.code, 'QUEUE_REFUSED')
      assert.match(error.message, /queue\.endpoint.*not authorized/)
    })

    test('says that publishing is not allowed', async () => {
      await using front = await openKinesisFront(server.port, {
        fault: ({ operation }) => (operation === 'PutRecords' ? DENIED : undefined),
      })
      await using queue = await open(front.port)
      await assert.rejects(queue.publish(numbered(0, 3)), { code: 'QUEUE_REFUSED', message: /PutRecords/ })
    })

    test('says that reading is not allowed', async () => {
      await using front = await openKinesisFront(server.port, {
        fault: ({ operation }) => (operation === 'GetRecords' ? DENIED : undefined),
      })
      await using queue = await open(front.port)
      for (const group of ['storage', undefined]) {
        const reading = queue.read({
          ...(group !== undefined && { group }),
          signal: AbortSignal.timeout(SOON_MS),
        })
        await assert.rejects(Array.fromAsync(reading), { code: 'QUEUE_REFUSED' })
      }
    })

    for (const type of ['ExpiredTokenException', 'AccessDeniedException'])
      test(`reads on after a refusal that passes: ${type}`, async () => {
        const refused = new Set<string>()
        let isRefusing = false
        await using front = await openKinesisFront(server.port, {
          fault({ operation }) {
            if (!isRefusing || operation === 'PutRecords') return undefined
            refused.add(operation)
            return { type, message: 'for now' }
          },
        })
        const topic = `refused-${type}`
        await createProvisioner(kinesisSettings(server.port), folder.path)(topic)
        await using queue = await open(front.port, topic)
        const signal = AbortSignal.timeout(60_000)
        const batches = queue.read({ group: 'storage', signal })[Symbol.asyncIterator]()
        await queue.publish(numbered(0, 1))
        await (await batches.next()).value?.ack()

        isRefusing = true
        const next = batches.next()
        while (!refused.has('GetRecords') || !refused.has('ListShards')) await sleep(10)
        isRefusing = false
        await queue.publish(numbered(1, 2))
        assert.deepEqual((await next).value?.items.map(text), ['1'])
      })

    test('says which topic is missing, and what makes it', async () => {
      const error = await saysSoon(open(server.port, 'unheard-of'))
      assert.equal(error.code, 'TOPIC_MISSING')
      assert.match(error.message, /queue\.endpoint\) has no stream unheard-of.*headwater provision/)
    })

    test('says that a topic can be no name of a stream', async () => {
      const error = await saysSoon(open(server.port, 'reviews of żółw'))
      assert.equal(error.code, 'CONFIG_INVALID')
      assert.match(error.message, /queue\.prefix/)
    })

    test('takes a service that is unwell for what passes', async () => {
      await using front = await openKinesisFront(server.port, {
        fault: () => ({ type: 'InternalFailure', message: 'try again', status: 500 }),
      })
      const error = await saysSoon(open(front.port))
      assert.ok(error instanceof TransientError, String(error))
    })
  })
}

async function opened(opening: Promise<AsyncDisposable>): Promise<HeadwaterError> {
  const queue = await opening.catch((error: unknown) => error)
  if (queue instanceof HeadwaterError) return queue
  await (queue as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.()
  throw new Error(`expected a HeadwaterError, got ${String(queue)}`)
}

async function withEnvironment(
  change: Readonly<Record<string, string | undefined>>,
  work: () => Promise<void>,
): Promise<void> {
  const before = Object.fromEntries(Object.keys(change).map((name) => [name, process.env[name]]))
  const set = (values: Readonly<Record<string, string | undefined>>): void => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  set(change)
  try {
    await work()
  } finally {
    set(before)
  }
}
