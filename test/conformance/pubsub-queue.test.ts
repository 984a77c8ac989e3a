import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { connect } from '../../src/queues/pubsub/connection.ts'
import pubsub from '../../src/queues/pubsub/index.ts'
import { numbered, text } from '../support/messages.ts'
import { queueContext } from '../support/queue-context.ts'
import { freePorts } from '../support/servers/process.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { type PubsubServer, pubsubServer } from '../support/servers/pubsub.ts'
import { temporaryFolder } from '../support/temp.ts'
import { adapterConformance } from './adapter.ts'
import { queueConformance } from './queue.ts'

const server = await pubsubServer()
if (server.skip !== false) test('Pub/Sub queue', { skip: server.skip }, () => {})
else await promises(server)

async function promises(server: PubsubServer): Promise<void> {
  const folder = await temporaryFolder()
  const wire = await startProxy(server)
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const settings = { project: 'test', endpoint: `http://127.0.0.1:${wire.port}`, ackDeadlineMs: '10s' }
  const configOf = (more: object = {}) => pubsub.config.parse({ ...settings, ...more })
  const contextOf = (topic: string) => queueContext(folder.path, topic)
  const open = (topic: string, more?: object) => pubsub.open(configOf(more), contextOf(topic))
  const provision = async (topic: string) => pubsub.provision?.(configOf(), contextOf(topic))

  queueConformance('Pub/Sub', {
    async open(topic) {
      await provision(topic)
      return open(topic, { maxMessageBytes: '1MB' })
    },
    openMissing: open,
    wire,
    holds: 'all',
    beginsLate: true,
    oneOfAKey: true,
    seesReaders: false,
  })

  adapterConformance('Pub/Sub queue', {
    list: join(import.meta.dirname, '../../src/queues/index.ts'),
    file: join(import.meta.dirname, '../../src/queues/pubsub/index.ts'),
    clients: ['@google-cloud/pubsub'],
    examples: [
      { project: 'my-project' },
      {
        project: 'my-project',
        endpoint: 'europe-west1-pubsub.googleapis.com',
        keyFile: '/etc/headwater/key.json',
        ackDeadlineMs: '60s',
        flow: { maxMessages: 2_000, maxBytes: '16MiB' },
      },
      { project: 'local', endpoint: 'http://127.0.0.1:8085' },
    ],
    async openUnusable() {
      const [nobody = 0] = await freePorts(1)
      const place = `127.0.0.1:${nobody} (queue.endpoint)`
      return { place, opened: open('reviews', { endpoint: `http://127.0.0.1:${nobody}` }) }
    },
    provision: () => provision('test-twice'),
    patienceMs: 5_000,
  })

  describe('Pub/Sub queue, wrongly configured', () => {
    test('names the topic that is missing, and the command that makes it', async () => {
      await assert.rejects(open('nowhere'), {
        code: 'TOPIC_MISSING',
        message: /no topic headwater-nowhere in the project test at 127\.0\.0\.1:\d+.*headwater provision/,
      })
    })

    test('names the setting of a key that is not there or none', async () => {
      const keyFile = join(folder.path, 'key.json')
      await assert.rejects(open('reviews', { keyFile }), {
        code: 'FILE_UNREADABLE',
        message: /queue\.key_file/,
      })
      await writeFile(keyFile, '{"private_key": "secret"')
      await assert.rejects(open('reviews', { keyFile }), (error: Error) => {
        assert.match(error.message, /^queue\.key_file: expected JSON/)
        assert.ok(!error.message.includes('secret'))
        return true
      })
    })

    // The test server takes everybody: these answers are put into its mouth.
    for (const refuse of ['PERMISSION_DENIED', 'UNAUTHENTICATED']) {
      test(`says where the credentials come from when the service answers ${refuse}`, async () => {
        const refusing = await pubsubServer({ refuse })
        assert.ok(refusing.skip === false)
        await using _ = refusing
        const opened = open('reviews', { endpoint: `http://127.0.0.1:${refusing.port}` })
        await assert.rejects(opened, { code: 'QUEUE_REFUSED', message: /queue\.key_file, queue\.project/ })
      })
    }

    test('gives up soon where something listens that does not answer', async () => {
      wire.stall('both')
      const startedAt = performance.now()
      await assert.rejects(open('reviews'), { code: 'QUEUE_UNAVAILABLE', message: /queue\.endpoint/ })
      wire.restore()
      assert.ok(performance.now() - startedAt < 10_000)
    })
  })

  describe('Pub/Sub queue', () => {
    test('carries bodies, keys and headers that are empty, and tells no header of its own', async () => {
      await provision('test-empty')
      await using queue = await open('test-empty')
      const sent = [
        { key: '', body: Buffer.alloc(0) },
        { key: 'k', body: Buffer.alloc(0), headers: { a: '' } },
        { key: '', body: Buffer.from('x') },
      ]
      await queue.publish(sent)
      await queue.publishTo?.('storage', sent)
      const got = []
      for await (const batch of queue.read({ group: 'storage', signal: AbortSignal.timeout(5_000) })) {
        got.push(...batch.items)
        await batch.ack()
        if (got.length === 6) break
      }
      const sorted = (messages: readonly object[]) => messages.map((each) => JSON.stringify(each)).toSorted()
      assert.deepEqual(sorted(got), sorted([...sent, ...sent]))
    })

    test('sets aside what the service would refuse with all that is beside it', async () => {
      await provision('test-unfit')
      await using queue = await open('test-unfit')
      const body = Buffer.from('x')
      const rejections = await queue.publish([
        ...numbered(0, 1),
        { key: 'k'.repeat(1_025), body },
        { key: 'k', body, headers: { googleish: '1' } },
        { key: 'k', body, headers: { '': '1' } },
        { key: 'k', body, headers: { ['n'.repeat(257)]: '1' } },
        { key: 'k', body, headers: { a: 'v'.repeat(1_025) } },
        { key: 'k', body, headers: Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`h${n}`, ''])) },
        { key: 'k', body, headers: { headwater_group: 'x' } },
      ])
      assert.deepEqual(
        rejections.map(({ index }) => index),
        [1, 2, 3, 4, 5, 6, 7],
      )
      for await (const batch of queue.read({ group: 'storage', signal: AbortSignal.timeout(5_000) })) {
        assert.deepEqual(batch.items.map(text), ['0'])
        break
      }
    })

    test('takes the largest message with the largest headers, and many in one request after another', async () => {
      await provision('test-large')
      await using queue = await open('test-large', { maxMessageBytes: '9.5MB' })
      const headers = Object.fromEntries(
        Array.from({ length: 98 }, (_, n) => [`${n}`.padEnd(256, 'n'), 'v'.repeat(1_024)]),
      )
      const body = Buffer.alloc(9_500_000, 7)
      const sent = [0, 1].map((n) => ({ key: `${n}`.padEnd(1_024, 'k'), body, headers }))
      assert.deepEqual(await queue.publish(sent), [])
      let count = 0
      for await (const batch of queue.read({ group: 'storage', signal: AbortSignal.timeout(20_000) })) {
        for (const message of batch.items) assert.ok(message.body.equals(body))
        count += batch.items.length
        await batch.ack()
        if (count === 2) break
      }
      assert.equal(count, 2)
    })

    test('keeps groups apart whose names differ in what an id can not have', async () => {
      await provision('test-names')
      await using queue = await open('test-names')
      const names = ['a b', 'a%20b', 'a.b', 'Ж', 'x'.repeat(200), 'Ж'.repeat(200), `${'Ж'.repeat(199)}ж`]
      for (const name of names) await queue.addGroup?.(name, { hold: true })
      const listed = ((await queue.groups?.()) ?? []).map(({ group }) => group)
      assert.equal(listed.length, names.length + 1)
      for (const name of names.slice(0, 5)) assert.ok(listed.includes(name), name)
      for (const name of names) assert.equal(await queue.removeGroup?.(name), true)
      assert.equal((await queue.groups?.())?.length, 1)
    })

    test('leaves no subscription of a reader without a group', async () => {
      await provision('test-alone')
      await using other = await open('test-alone')
      const seen = []
      {
        await using queue = await open('test-alone')
        const reader = queue.read({ signal: new AbortController().signal })[Symbol.asyncIterator]()
        const first = reader.next()
        while (seen.length === 0) {
          await other.publish(numbered(0, 1))
          const taken = await Promise.race([first, new Promise<void>((resolve) => setTimeout(resolve, 50))])
          if (taken?.value) seen.push(...taken.value.items)
        }
      }
      await using connection = await connect(configOf())
      const topic = 'projects/test/topics/headwater-test-alone'
      const left = await connection.call(
        ({ publisher }, options) => publisher.listTopicSubscriptions({ topic }, options),
        { timeoutMs: 5_000 },
      )
      assert.deepEqual(left, ['projects/test/subscriptions/headwater-test-alone.storage'])
    })
  })
}
