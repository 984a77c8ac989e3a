import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import type { Logger } from '../../src/adapter.ts'
import kafka from '../../src/queues/kafka/index.ts'
import type { Message, Queue } from '../../src/queues/queue.ts'
import { numbered, text } from '../support/messages.ts'
import { queueContext } from '../support/queue-context.ts'
import { kafkaServer } from '../support/servers/kafka.ts'
import { temporaryFolder } from '../support/temp.ts'

const server = await kafkaServer()
const folder = await temporaryFolder()
const address = server.skip === false ? server.address : ''
const admin = new Admin({ clientId: 'test', bootstrapBrokers: [address] })
after(async () => {
  await admin.close()
  if (server.skip === false) await server[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

let topics = 0

describe('kafka queue, with topics as they are', { skip: server.skip }, () => {
  test('says what weakens a topic when it opens it', async () => {
    const weak = {
      'retention.ms': '3600000',
      'retention.bytes': '1048576',
      'unclean.leader.election.enable': 'true',
      'cleanup.policy': 'compact',
    }
    const { warnings } = await opened({}, await makeTopic(weak))
    for (const part of ['one replica', '1 h', '1 MiB', 'unclean', 'compacted'])
      assert.ok(
        warnings.some((warning) => warning.includes(part)),
        `${part} in ${warnings.join('\n')}`,
      )
  })

  test('refuses a topic that takes less than the largest message', async () => {
    const topic = await makeTopic({ 'max.message.bytes': '100000' })
    await assert.rejects(opened({ maxMessageBytes: '100kB' }, topic), {
      code: 'TOPIC_MISSING',
      message: /queue\.max_message_bytes.*max\.message\.bytes=100000/,
    })
    const { queue } = await opened({ maxMessageBytes: '80kB' }, topic)
    await queue.publish([{ key: 'k', body: Buffer.alloc(80_000) }])
  })

  test('says what of a topic is not as it would make it, and leaves it so', async () => {
    const topic = await makeTopic({ 'unclean.leader.election.enable': 'true' })
    const warnings: string[] = []
    const config = configOf({ partitions: 5 })
    await kafka.provision?.(config, { ...context(topic), logger: noting(warnings) })
    assert.match(warnings.join('\n'), /partitions 2 instead of 5/)
    assert.match(warnings.join('\n'), /unclean\.leader\.election\.enable true instead of false/)
    const { queue } = await opened({}, topic)
    await queue.check()
  })

  test('makes a topic that keeps what it was given', async () => {
    const topic = newTopic()
    await kafka.provision?.(
      configOf({ partitions: 3, retentionMs: '7d', maxMessageBytes: '2MB' }),
      context(topic),
    )
    const { queue, warnings } = await opened({ maxMessageBytes: '2MB' }, topic)
    await queue.publish([{ key: 'k', body: Buffer.alloc(2_000_000, 1) }])
    const [message] = await take(queue, 1)
    assert.equal(message?.body.length, 2_000_000)
    assert.equal(warnings.length, 1, warnings.join('\n')) // of the one replica alone
  })

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    test(`delivers what was compressed with ${compression}`, async () => {
      const { queue } = await opened({ compression }, await makeTopic())
      const sent = Array.from({ length: 50 }, (_, n) => ({
        key: `key-${n % 5}`,
        body: Buffer.from(`${n} `.repeat(1_000)),
        headers: { n: String(n) },
      }))
      await queue.publish(sent)
      const got = await take(queue, 50)
      const inOrder = got.toSorted((a, b) => Number(a.headers?.['n']) - Number(b.headers?.['n']))
      assert.deepEqual(
        inOrder.map(({ key, body, headers }) => ({ key, body: Buffer.from(body), headers: { ...headers } })),
        sent,
      )
    })
  }

  test('takes more for one key than a batch may hold', async () => {
    const { queue } = await opened({}, await makeTopic())
    const sent = Array.from({ length: 24 }, (_, n) => ({ key: 'same', body: Buffer.alloc(200_000, n) }))
    await queue.publish(sent)
    const got = await take(queue, 24)
    assert.deepEqual(
      got.map(({ body }) => body[0]),
      sent.map((_, n) => n),
    )
  })

  test('sets aside a message whose key and headers are too much, and takes its neighbours', async () => {
    const { queue } = await opened({}, await makeTopic())
    const heavy = { key: 'same', body: Buffer.from('x'), headers: { much: 'x'.repeat(2_000_000) } }
    const rejections = await queue.publish([...numbered(0, 1), heavy, ...numbered(1, 2)])
    assert.deepEqual(
      rejections.map(({ index, code }) => [index, code]),
      [[1, 'message_too_large']],
    )
    assert.deepEqual((await take(queue, 2)).map(text), ['0', '1'])
  })

  test('throws where a topic takes less than it said, and rejects nothing', async () => {
    const topic = await makeTopic()
    const { queue } = await opened({}, topic)
    await admin.incrementalAlterConfigs({
      resources: [
        {
          resourceType: 2,
          resourceName: topic,
          configs: [{ name: 'max.message.bytes', configOperation: 0, value: '1000' }],
        },
      ],
    })
    await assert.rejects(queue.publish([{ key: 'k', body: Buffer.alloc(5_000) }]), {
      code: 'QUEUE_REFUSED',
      message: /max_message_bytes/,
    })
    await queue.publish(numbered(0, 1))
    assert.deepEqual((await take(queue, 1)).map(text), ['0'])
  })

  test('reads on behind what was deleted before it was read, and says how much that was', async () => {
    const topic = await makeTopic({}, 1)
    const { queue, warnings } = await opened({}, topic)
    await queue.publish(numbered(0, 10))
    const { queue: before } = await opened({}, topic)
    assert.deepEqual((await take(before, 2, 2)).map(text), ['0', '1'])
    await before[Symbol.asyncDispose]()
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 6n }] }] })
    assert.deepEqual((await take(queue, 4)).map(text), ['6', '7', '8', '9'])
    assert.ok(
      warnings.some((warning) => warning.startsWith('4 messages')),
      warnings.join('\n'),
    )
    assert.equal(await queue.backlog?.('g'), 0)
  })

  test('reads a topic from its beginning that was made anew', async () => {
    const topic = await makeTopic({}, 1)
    const { queue: before } = await opened({}, topic)
    await before.publish(numbered(0, 10))
    await take(before, 10)
    await before[Symbol.asyncDispose]()
    await admin.deleteTopics({ topics: [topic] })
    await makeTopic({}, 1, topic)
    const { queue, warnings } = await opened({}, topic)
    await queue.publish(numbered(20, 22))
    // The brokers forget with a topic what its groups have read, or they remember more than there is.
    assert.deepEqual((await take(queue, 2)).map(text), ['20', '21'], warnings.join('\n'))
  })

  test('reads the partitions that were added while it reads', async () => {
    const topic = await makeTopic({}, 1)
    const { queue } = await opened({}, topic)
    const reading = take(queue, 21)
    await queue.publish(numbered(0, 1))
    await admin.createPartitions({
      topics: [{ name: topic, count: 4, assignments: [1, 1, 1].map((id) => ({ brokerIds: [id] })) }],
    })
    const { queue: sender } = await opened({}, topic)
    const spread = Array.from({ length: 20 }, (_, n) => ({
      key: `key-${n}`,
      body: Buffer.from(String(n + 1)),
    }))
    await sender.publish(spread)
    assert.equal(new Set((await reading).map(text)).size, 21)
  })

  test('leaves no group behind where it reads without one', async () => {
    const topic = await makeTopic()
    const { queue } = await opened({}, topic)
    await queue.publish(numbered(0, 1))
    for await (const { items } of queue.read({ signal: AbortSignal.timeout(10_000) })) {
      assert.deepEqual(items.map(text), ['0'])
      break
    }
    const groups = [...(await admin.listGroups({ types: ['classic', 'consumer'] })).keys()]
    assert.deepEqual(
      groups.filter((id) => id.includes(topic) || id === 'none'),
      [`headwater.${topic}.storage`],
    )
  })

  test('reads what others publish, without a key, a value or headers of text', async () => {
    const topic = await makeTopic({}, 1)
    const { Producer } = await import('@platformatic/kafka')
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: [address] })
    const value = Buffer.from('v')
    const headers = new Map([[Buffer.from('h'), Buffer.from([0xff])]])
    await producer.send({
      messages: [
        { topic, value },
        { topic, key: Buffer.from('k'), value, headers },
      ],
    })
    await producer.close()
    const { queue } = await opened({}, topic)
    const got = await take(queue, 2)
    assert.deepEqual(
      got.map(({ key, headers: found }) => [key, found && { ...found }]),
      [
        ['', undefined],
        ['k', { h: '\u{fffd}' }],
      ],
    )
  })
})

const newTopic = (): string => `topic-${process.pid}-${topics++}`

async function makeTopic(
  settings: Record<string, string> = {},
  partitions = 2,
  topic = newTopic(),
): Promise<string> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs })
  const isKnown = () => admin.metadata({ topics: [topic], forceUpdate: true }).catch(() => undefined)
  while (!(await isKnown())) await sleep(50)
  return topic
}

function configOf(settings: object) {
  return kafka.config.parse({ brokers: [address], replication: 1, sessionTimeoutMs: '6s', ...settings })
}

const sessions = new AsyncDisposableStack()
after(() => sessions.disposeAsync())

async function opened(settings: object, topic: string): Promise<{ queue: Queue; warnings: string[] }> {
  const warnings: string[] = []
  const opening = kafka.open(configOf(settings), { ...context(topic), logger: noting(warnings) })
  return { queue: sessions.use(await opening), warnings }
}

const context = (topic: string) => queueContext(folder.path, topic)

function noting(warnings: string[]): Logger {
  const quiet = (): void => {}
  return { debug: quiet, info: quiet, error: quiet, warn: (_, message) => void warnings.push(message) }
}

async function take(queue: Queue, count: number, maxItems = 500): Promise<Message[]> {
  const taken: Message[] = []
  for await (const batch of queue.read({ group: 'g', signal: AbortSignal.timeout(15_000), maxItems })) {
    taken.push(...batch.items)
    await batch.ack()
    if (taken.length >= count) break
  }
  return taken
}
