import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../src/adapter.ts'
import { TransientError } from '../../src/errors.ts'
import { retry } from '../../src/lib/retry.ts'
import { type Clients, connect } from '../../src/queues/pubsub/connection.ts'
import pubsub from '../../src/queues/pubsub/index.ts'
import type { Queue } from '../../src/queues/queue.ts'
import { numbered, text } from '../support/messages.ts'
import { queueContext } from '../support/queue-context.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { pubsubServer } from '../support/servers/pubsub.ts'
import { temporaryFolder } from '../support/temp.ts'
import { ownTopics } from '../support/topics.ts'
import { queueFaults } from './queue-faults.ts'
import { LOAD_LIMIT_MS, queueLoad } from './queue-load.ts'

const server = await pubsubServer({ own: true })

if (server.skip !== false) test('Pub/Sub queue, in trouble', { skip: server.skip }, () => {})
else {
  const folder = await temporaryFolder()
  const wire = await startProxy(server)
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const settings = {
    project: 'test',
    endpoint: `http://127.0.0.1:${wire.port}`,
    publishTimeoutMs: '3s',
    ackDeadlineMs: '10s',
  }

  queueFaults('Pub/Sub', {
    module: join(import.meta.dirname, '../../src/queues/pubsub/index.ts'),
    settings,
    wire,
    dataDir: folder.path,
    // It keeps nothing when it ends.
    broker: { freeze: server.freeze, thaw: server.thaw, kill: server.kill },
    async provision(topic) {
      const config = pubsub.config.parse(settings)
      await pubsub.provision?.(config, queueContext(folder.path, topic))
      // A group begins when it is made.
      await using queue = await pubsub.open(config, queueContext(folder.path, topic))
      await queue.addGroup?.('g', { hold: true })
    },
    count: Number(process.env['HEADWATER_QUEUE_COUNT'] ?? 2_000),
    takeoverMs: 20_000,
    repeatsATrouble: 100,
  })

  const { topics } = ownTopics()
  const endpoint = `http://127.0.0.1:${server.port}`
  queueLoad('pubsub', {
    queue: { type: 'pubsub', project: 'load', endpoint, ack_deadline: '10s', topics },
    open: (dataDir) =>
      pubsub.open(pubsub.config.parse({ project: 'load', endpoint }), queueContext(dataDir, topics.reviews)),
    count: Number(process.env['HEADWATER_QUEUE_LOAD'] ?? 1_000),
    kills: Number(process.env['HEADWATER_QUEUE_KILLS'] ?? 1),
    limitMs: LOAD_LIMIT_MS,
  })

  const config = pubsub.config.parse(settings)

  test('goes on with a broker that comes back empty, once it is provisioned, and says what is lost', async () => {
    const log = collecting()
    const context = queueContext(folder.path, 'test-emptied', log)
    await pubsub.provision?.(config, context)
    await using queue = await pubsub.open(config, context)
    const batches = queue
      .read({ group: 'storage', signal: AbortSignal.timeout(60_000), maxItems: 1 })
      [Symbol.asyncIterator]()
    await queue.publish(numbered(0, 1))
    const { value: before } = await batches.next()

    await server.kill()
    await server.restart()
    assert.equal(await failureOf(queue), 'TOPIC_MISSING')
    await before?.ack() // nobody knows of it any more, and it is stored
    await pubsub.provision?.(config, context)
    await patiently(() => queue.publish(numbered(2, 3)))
    const { value: after } = await batches.next()
    assert.deepEqual(after?.items.map(text), ['2'])
    assert.ok(log.said('warn').some((message) => message.startsWith('reading stopped')))
  })

  test('after its topic was deleted nothing is confirmed before storage gets it, and what the old one kept is read', async () => {
    const log = collecting()
    const context = queueContext(folder.path, 'test-deleted', log)
    await pubsub.provision?.(config, context)
    await using queue = await pubsub.open(config, context)
    await queue.publish(numbered(0, 1))
    await using connection = await connect(config)
    const topic = 'projects/test/topics/headwater-test-deleted'
    const admin = (work: (publisher: Clients['publisher']) => Promise<readonly [unknown, ...unknown[]]>) =>
      connection.call(({ publisher }) => work(publisher), { timeoutMs: 5_000 })
    await admin((publisher) => publisher.deleteTopic({ topic }))
    assert.equal(await failureOf(queue), 'TOPIC_MISSING')
    const advice = { code: 'TOPIC_MISSING', message: /topic was deleted.*`headwater groups remove storage`/ }
    await assert.rejects(async () => pubsub.provision?.(config, context), advice)
    assert.ok(log.said('error').length === 0)

    await using other = await pubsub.open(config, context)
    assert.match(log.said('error')[0] ?? '', advice.message)
    const batches = other
      .read({ group: 'storage', signal: AbortSignal.timeout(60_000) })
      [Symbol.asyncIterator]()
    const { value: kept } = await batches.next()
    assert.deepEqual(kept?.items.map(text), ['0'])
    await kept?.ack()

    // Somebody else makes it, and what is there of storage is not on it.
    await admin((publisher) => publisher.createTopic({ name: topic }))
    await assert.rejects(queue.publish(numbered(1, 2)), TransientError)
    await assert.rejects(other.publish(numbered(1, 2)), { ...advice, name: 'TransientError' })
    await assert.rejects(async () => pubsub.provision?.(config, context), advice)

    const next = batches.next()
    assert.equal(await other.removeGroup?.('storage'), true)
    await pubsub.provision?.(config, context)
    await patiently(() => queue.publish(numbered(1, 2)))
    assert.deepEqual((await next).value?.items.map(text), ['1'])
    await assert.rejects(async () => other.removeGroup?.('storage'), { code: 'USAGE' })
  })

  test('makes the subscription of a group anew that somebody removed, and says so', async () => {
    const log = collecting()
    const context = queueContext(folder.path, 'test-vanished', log)
    await pubsub.provision?.(config, context)
    await using queue = await pubsub.open(config, context)
    await using other = await pubsub.open(config, context)
    const batches = queue.read({ group: 'g', signal: AbortSignal.timeout(60_000) })[Symbol.asyncIterator]()
    await other.addGroup?.('g', { hold: true })
    await other.publish(numbered(0, 1))
    const { value: first } = await batches.next()
    await first?.ack()

    const next = batches.next()
    assert.equal(await other.removeGroup?.('g'), true)
    while (!log.said('error').some((message) => /group g was gone and was made anew/.test(message)))
      await sleep(20)
    await other.publish(numbered(1, 2))
    assert.deepEqual((await next).value?.items.map(text), ['1'])
  })

  test('is disposed of soon while the broker does not answer, with messages in hand', async () => {
    const context = queueContext(folder.path, 'test-dispose')
    await pubsub.provision?.(config, context)
    const queue = await pubsub.open(config, context)
    await queue.publish(numbered(0, 1))
    const batches = queue.read({ group: 'storage', signal: AbortSignal.timeout(60_000) })
    const { value: batch } = await batches[Symbol.asyncIterator]().next()
    assert.ok(batch)
    wire.stall('both')
    const publishing = queue.publish(numbered(1, 2))
    const startedAt = performance.now()
    await Promise.all([assert.rejects(publishing, TransientError), queue[Symbol.asyncDispose]()])
    wire.restore()
    assert.ok(performance.now() - startedAt < 5_000)
  })

  test('keeps what takes longer than the deadline of an acknowledgement', async () => {
    const context = queueContext(folder.path, 'test-slow')
    await pubsub.provision?.(config, context)
    await using queue = await pubsub.open(config, context)
    await using other = await pubsub.open(config, context)
    await queue.publish(numbered(0, 2))
    const leave = new AbortController()
    const mine = queue.read({ group: 'storage', signal: leave.signal })[Symbol.asyncIterator]()
    const { value: slow } = await mine.next()
    const signal = AbortSignal.timeout(60_000)
    const theirs = other.read({ group: 'storage', signal })[Symbol.asyncIterator]().next()
    const isOvertaken = await Promise.race([theirs.then(() => true), sleep(12_000, false)])
    assert.equal(isOvertaken, false)
    await slow?.ack()
    leave.abort() // what was fetched ahead goes to the others
    assert.deepEqual((await theirs).value?.items.map(text), ['1'])
  })

  test('lets go of what is held for too long, and says so', async () => {
    const log = collecting()
    const context = queueContext(folder.path, 'test-held', log)
    const impatient = pubsub.config.parse({ ...settings, maxExtensionMs: '1s' })
    await pubsub.provision?.(impatient, context)
    await using queue = await pubsub.open(impatient, context)
    await queue.publish(numbered(0, 1))
    const batches = queue
      .read({ group: 'storage', signal: AbortSignal.timeout(60_000) })
      [Symbol.asyncIterator]()
    await batches.next()
    assert.deepEqual((await batches.next()).value?.items.map(text), ['0'])
    assert.ok(log.said('warn').some((message) => message.includes('queue.max_extension')))
  })
}

/** Repeats what fails transiently. */
const patiently = <T>(work: () => Promise<T>): Promise<T> =>
  retry(work, AbortSignal.timeout(30_000), { baseMs: 50, maxMs: 500 })

/** The code that publishing fails with, once the broker is there again. */
async function failureOf(queue: Queue): Promise<unknown> {
  for (;;) {
    const error: unknown = await queue.publish(numbered(1, 2)).catch((reason: unknown) => reason)
    assert.ok(error instanceof TransientError, String(error))
    if (error.code !== 'QUEUE_UNAVAILABLE') return error.code
  }
}

/** Keeps what is said. */
function collecting() {
  const said: { readonly level: keyof Logger; readonly message: string }[] = []
  const level = (name: keyof Logger) => (_: object, message: string) =>
    void said.push({ level: name, message })
  return {
    debug: level('debug'),
    info: level('info'),
    warn: level('warn'),
    error: level('error'),
    said: (at: keyof Logger) => said.filter((each) => each.level === at).map(({ message }) => message),
  }
}
