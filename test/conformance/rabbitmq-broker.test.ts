import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, describe, test } from 'node:test'
import amqplib, { type Channel } from 'amqplib'
import { TransientError } from '../../src/errors.ts'
import { retry } from '../../src/lib/retry.ts'
import type { Message, Queue } from '../../src/queues/queue.ts'
import rabbitmq from '../../src/queues/rabbitmq/index.ts'
import { slotOf } from '../../src/queues/rabbitmq/names.ts'
import { numbered, text } from '../support/messages.ts'
import { queueContext } from '../support/queue-context.ts'
import { rabbitmqServer } from '../support/servers/rabbitmq.ts'
import { temporaryFolder } from '../support/temp.ts'

const server = await rabbitmqServer({
  tls: true,
  settings: ['max_message_size = 200000'],
  users: {
    nobody: { configure: '^$', write: '^$', read: '^$' },
    // May make everything, and publish to nothing but the groups.
    mute: { configure: '.*', write: '^headwater\\.[^.]*\\..*', read: '.*' },
  },
})
const own = server.skip === false ? server.own : undefined
if (server.skip !== false) test('rabbitmq broker', { skip: server.skip })
else if (own?.tls) {
  const { port } = server
  const { tls } = own
  const folder = await temporaryFolder()
  after(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  const plain = (user: string, vhost = '') => `amqp://${user}@127.0.0.1:${port}/${vhost}`
  const guest = { url: plain('guest:guest') }
  const newTopic = () => `test-${randomUUID()}`

  function open(settings: object, topic: string): Promise<Queue> {
    return rabbitmq.open(rabbitmq.config.parse(settings), queueContext(folder.path, topic))
  }

  async function provision(settings: object, topic: string): Promise<void> {
    await rabbitmq.provision?.(rabbitmq.config.parse(settings), queueContext(folder.path, topic))
  }

  async function provisioned(settings: object = guest, topic = newTopic()): Promise<Queue> {
    await provision(settings, topic)
    return open(settings, topic)
  }

  async function refused(settings: object, topic = newTopic()): Promise<Error & { code?: string }> {
    const startedAt = performance.now()
    const opened = open(settings, topic)
    const error: unknown = await opened.then(
      async (queue) => {
        await queue[Symbol.asyncDispose]()
      },
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof Error, 'expected it to be refused')
    assert.ok(performance.now() - startedAt < 10_000)
    return error
  }

  async function take(queue: Queue, count: number, group = 'storage'): Promise<Message[]> {
    const taken: Message[] = []
    for await (const batch of queue.read({ group, signal: AbortSignal.timeout(10_000) })) {
      taken.push(...batch.items)
      await batch.ack()
      if (taken.length >= count) break
    }
    return taken
  }

  async function onChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const connection = await amqplib.connect(guest.url)
    try {
      return await work(await connection.createChannel())
    } finally {
      await connection.close()
    }
  }

  describe('rabbitmq queue, refused', () => {
    test('names the setting where the password is wrong, and shows no password', async () => {
      const { code, message } = await refused({ url: plain('guest:hidden') })
      assert.equal(code, 'QUEUE_REFUSED')
      assert.match(message, /^queue\.url: 127\.0\.0\.1:\d+: user or password are wrong/)
      assert.doesNotMatch(message, /hidden/)
    })

    test('names the setting where the virtual host is not there', async () => {
      const { code, message } = await refused({ url: plain('guest:guest', 'nowhere') })
      assert.equal(code, 'QUEUE_REFUSED')
      assert.match(message, /^queue\.url: 127\.0\.0\.1:\d+: there is no such virtual host/)
    })

    test('says what the user may not do', async () => {
      const topic = newTopic()
      await provision(guest, topic)
      const { code, message } = await refused({ url: plain('nobody:secret') }, topic)
      assert.equal(code, 'QUEUE_REFUSED')
      assert.match(message, /^queue\.url: .*may not do.*access to (exchange|queue).*refused/)
    })

    test('says so where the user may not publish', async () => {
      const topic = newTopic()
      await provision(guest, topic)
      await using queue = await open({ url: plain('mute:secret') }, topic)
      await assert.rejects(queue.publish(numbered(0, 1)), {
        code: 'QUEUE_REFUSED',
        message: /access to exchange .* refused/,
      })
    })

    test('gives up on what answers nothing', async () => {
      const silent = createServer(() => {}).listen(0, '127.0.0.1')
      await once(silent, 'listening')
      const { port: silentPort } = silent.address() as AddressInfo
      const error = await refused({ url: `amqp://127.0.0.1:${silentPort}` })
      silent.close()
      assert.ok(error instanceof TransientError)
      assert.equal(error.code, 'QUEUE_UNAVAILABLE')
      assert.match(error.message, new RegExp(`^queue\\.url: 127\\.0\\.0\\.1:${silentPort} does not answer`))
    })

    test('refuses another number of queues than the group was made with', async () => {
      const topic = newTopic()
      await provision(guest, topic)
      for (const [queues, found] of [
        [3, 'more'],
        [5, 'fewer'],
      ] as const) {
        const { code, message } = await refused({ ...guest, queues }, topic)
        assert.equal(code, 'CONFIG_INVALID')
        assert.match(message, new RegExp(`^queue\\.queues: .*storage.*found ${queues}: it has ${found}`))
      }
    })

    test('says what is different where something else has the name', async () => {
      const topic = newTopic()
      await onChannel((channel) => channel.assertExchange(`headwater.${topic}`, 'topic'))
      await assert.rejects(provision(guest, topic), {
        code: 'TOPIC_MISSING',
        message: /inequivalent arg 'type'.*received 'fanout' but current is 'topic'/,
      })
      const other = newTopic()
      await onChannel((channel) => channel.assertQueue(`headwater.${other}.storage.3`))
      await assert.rejects(provision(guest, other), {
        code: 'TOPIC_MISSING',
        message: /inequivalent arg 'x-/,
      })
    })

    test('names the setting where the broker takes less than it says', async () => {
      await using queue = await provisioned()
      await assert.rejects(queue.publish([{ key: 'k', body: Buffer.alloc(200_001) }]), {
        code: 'QUEUE_REFUSED',
        message: /^queue\.max_message_bytes: 127\.0\.0\.1:\d+ takes less/,
      })
      assert.deepEqual(await queue.publish(numbered(0, 1)), [])
    })
  })

  describe('rabbitmq queue, encrypted', () => {
    const encrypted = { ca: tls.ca, ...tls.client }
    const secure = (user = '') => `amqps://${user}localhost:${tls.port}`

    test('shows its certificate, and a password as well', async () => {
      await using queue = await provisioned({ url: secure('guest:guest@'), tls: encrypted })
      await queue.publish(numbered(0, 2))
      assert.deepEqual((await take(queue, 2)).map(text), ['0', '1'])
    })

    test('is whom its certificate names where the address has no user', async () => {
      await using queue = await provisioned({ url: secure(), tls: encrypted })
      await queue.check()
    })

    test('names the setting where it does not trust the broker', async () => {
      const { code, message } = await refused({ url: secure('guest:guest@'), tls: tls.client })
      assert.equal(code, 'QUEUE_REFUSED')
      assert.match(message, /^queue\.tls: localhost:\d+: .*certificate/)
      const named = await refused({
        url: secure('guest:guest@'),
        tls: { ...encrypted, serverName: 'elsewhere' },
      })
      assert.equal(named.code, 'QUEUE_REFUSED')
      assert.match(named.message, /^queue\.tls: .*elsewhere/)
    })

    test('names the setting where the broker wants a certificate', async () => {
      const { code, message } = await refused({ url: secure('guest:guest@'), tls: { ca: tls.ca } })
      assert.equal(code, 'QUEUE_REFUSED')
      assert.match(message, /^queue\.tls: localhost:\d+: /)
    })

    test('names the setting where nothing is encrypted there', async () => {
      const { code, message } = await refused({
        url: `amqps://guest:guest@localhost:${port}`,
        tls: { ca: tls.ca },
      })
      assert.equal(code, 'QUEUE_REFUSED')
      assert.match(message, /^queue\.tls: localhost:\d+: /)
    })
  })

  describe('rabbitmq queue, in detail', () => {
    test('counts what waits and what its own readers hold, to the last message', {
      timeout: 20_000,
    }, async () => {
      await using queue = await provisioned({ ...guest, prefetch: 10 })
      await queue.publish(numbered(0, 50))
      const reading = queue
        .read({ group: 'storage', signal: new AbortController().signal, maxItems: 4 })
        [Symbol.asyncIterator]()
      const { value: batch } = await reading.next()
      // The broker may still be giving what its readers may hold.
      const counted = async (expected: number, count: () => Promise<number | undefined>) => {
        for (let backlog: number | undefined; backlog !== expected; ) {
          backlog = await count()
          assert.ok(backlog !== undefined && backlog >= expected, String(backlog))
        }
      }
      await counted(50, async () => queue.backlog?.('storage'))
      await batch?.ack()
      await counted(46, async () => queue.backlog?.('storage'))
      await counted(46, async () => {
        const groups = await queue.groups?.()
        assert.deepEqual(
          groups?.map(({ group, readers }) => [group, readers]),
          [['storage', 1]],
        )
        return groups?.[0]?.backlog
      })
    })

    test('takes back in their order what was given and not taken', async () => {
      await using queue = await provisioned()
      await queue.publish(numbered(0, 50))
      for (let from = 0; from < 50; from += 5) {
        for await (const batch of queue.read({
          group: 'storage',
          signal: AbortSignal.timeout(10_000),
          maxItems: 5,
        })) {
          assert.deepEqual(batch.items.map(text), numbered(from, from + 5).map(text))
          await batch.ack()
          break
        }
      }
    })

    test('delivers headers and a long key again as they were', async () => {
      const topic = newTopic()
      const message = {
        key: '鍵🔑'.repeat(100),
        body: Buffer.of(1, 2),
        headers: { CC: 'x', ce_id: 'é', 'x-a': '' },
      }
      await using queue = await provisioned(guest, topic)
      await queue.publish([message])
      const first = await open(guest, topic)
      for await (const { items } of first.read({ group: 'storage', signal: AbortSignal.timeout(10_000) })) {
        assert.deepEqual(items, [message])
        break
      }
      await first[Symbol.asyncDispose]()
      assert.deepEqual(await take(queue, 1), [message])
    })

    test('delivers what another program publishes with the slot of a key', async () => {
      const topic = newTopic()
      await using queue = await provisioned(guest, topic)
      await onChannel(async (channel) => {
        channel.publish(`headwater.${topic}`, slotOf('B07'), Buffer.from('{}'), {
          headers: { 'headwater-key': 'B07' },
        })
        await channel.checkExchange(`headwater.${topic}`)
      })
      assert.deepEqual(await take(queue, 1), [{ key: 'B07', body: Buffer.from('{}') }])
    })

    test('fails a publish that no queue takes, and check says what is missing', async () => {
      const topic = newTopic()
      await using queue = await provisioned(guest, topic)
      await onChannel(async (channel) => {
        for (let n = 0; n < 4; n++) await channel.deleteQueue(`headwater.${topic}.storage.${n}`)
      })
      const missing = (error: unknown) => error instanceof TransientError && error.code === 'TOPIC_MISSING'
      await assert.rejects(queue.publish(numbered(0, 100)), missing)
      await assert.rejects(queue.check(), missing)
      await provision(guest, topic)
      await queue.check()
      assert.deepEqual(await queue.publish(numbered(0, 3)), [])
      assert.deepEqual((await take(queue, 3)).map(text), ['0', '1', '2'])
    })

    test('fails a publish while the exchange is missing, and goes on once it is there', async () => {
      const topic = newTopic()
      await using queue = await provisioned(guest, topic)
      await queue.publish(numbered(0, 1))
      await onChannel((channel) => channel.deleteExchange(`headwater.${topic}`))
      const missing = (error: unknown) => error instanceof TransientError && error.code === 'TOPIC_MISSING'
      await assert.rejects(queue.publish(numbered(1, 2)), missing)
      await provision(guest, topic)
      await queue.publish(numbered(1, 2))
      assert.deepEqual((await take(queue, 2)).map(text), ['0', '1'])
    })

    test('reads on when its queues were deleted and made again', async () => {
      const topic = newTopic()
      await using queue = await provisioned(guest, topic)
      await queue.publish(numbered(0, 1))
      const reading = queue
        .read({ group: 'storage', signal: AbortSignal.timeout(20_000), maxItems: 1 })
        [Symbol.asyncIterator]()
      await (await reading.next()).value?.ack()
      await onChannel(async (channel) => {
        for (let n = 0; n < 4; n++) await channel.deleteQueue(`headwater.${topic}.storage.${n}`)
      })
      const again = new AbortController()
      const publishing = retry(() => queue.publish(numbered(1, 2)), again.signal, { baseMs: 20, maxMs: 200 })
      assert.deepEqual((await reading.next()).value?.items.map(text), ['1'])
      await publishing
    })

    test('is opened and disposed of promptly while the broker is silent', async () => {
      const topic = newTopic()
      const queue = await provisioned(guest, topic)
      await queue.publish(numbered(0, 3))
      const reading = queue
        .read({ group: 'storage', signal: new AbortController().signal, maxItems: 1 })
        [Symbol.asyncIterator]()
      const { value: batch } = await reading.next()
      own.freeze()
      try {
        const frozenAt = performance.now()
        await assert.rejects(open(guest, topic), { code: 'QUEUE_UNAVAILABLE' })
        const openedAt = performance.now()
        const next = reading.next().then(() => reading.next())
        const publishing = assert.rejects(queue.publish(numbered(3, 4)), { code: 'QUEUE_UNAVAILABLE' })
        await Promise.all([queue[Symbol.asyncDispose](), next, publishing, batch?.ack()])
        const disposedAt = performance.now()
        assert.ok(openedAt - frozenAt < 8_000, `${openedAt - frozenAt} ms`)
        assert.ok(disposedAt - openedAt < 5_000, `${disposedAt - openedAt} ms`)
        const stop = new AbortController()
        const opening = assert.rejects(
          rabbitmq.open(rabbitmq.config.parse(guest), {
            ...queueContext(folder.path, topic),
            signal: stop.signal,
          }),
          { message: 'stopped' },
        )
        stop.abort(new Error('stopped'))
        await opening
      } finally {
        own.thaw()
      }
    })

    test('says that the broker takes nothing while its disk is short, and acknowledges all the same', async () => {
      await using queue = await provisioned({ ...guest, publishTimeoutMs: '2s' })
      await queue.publish(numbered(0, 3))
      await own.control('set_disk_free_limit', String(1e15))
      const isBlocked = (error: unknown) =>
        error instanceof TransientError && /takes no messages at present/.test(error.message)
      try {
        await assert.rejects(queue.publish(numbered(3, 4)), isBlocked)
        await assert.rejects(queue.check(), isBlocked)
        assert.deepEqual((await take(queue, 3)).map(text), ['0', '1', '2'])
      } finally {
        await own.control('set_disk_free_limit', String(5e7))
      }
      while (await queue.check().then(() => false, isBlocked));
      await queue.publish(numbered(3, 5))
      assert.deepEqual([...new Set((await take(queue, 2)).map(text))].slice(0, 1), ['3'])
    })
  })
}
