import { join } from 'node:path'
import { after, test } from 'node:test'
import rabbitmq from '../../src/queues/rabbitmq/index.ts'
import { createNames } from '../../src/queues/rabbitmq/names.ts'
import { queueContext } from '../support/queue-context.ts'
import { rabbitmqServer } from '../support/servers/rabbitmq.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { temporaryFolder } from '../support/temp.ts'
import { ownTopics } from '../support/topics.ts'
import { queueFaults } from './queue-faults.ts'
import { LOAD_LIMIT_MS, queueLoad } from './queue-load.ts'

const server = await rabbitmqServer({ mayKill: true })
if (server.skip !== false) test('rabbitmq queue, in trouble', { skip: server.skip })
else {
  const { port, user, password, own } = server
  const wire = await startProxy({ port })
  const folder = await temporaryFolder()
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  const settings = {
    url: `amqp://${user}:${password}@127.0.0.1:${wire.port}`,
    publishTimeoutMs: '5s',
    heartbeatMs: '2s',
  }
  const config = rabbitmq.config.parse(settings)

  if (own) {
    queueFaults('rabbitmq', {
      module: join(import.meta.dirname, '../../src/queues/rabbitmq/index.ts'),
      settings,
      wire,
      dataDir: folder.path,
      broker: own,
      async provision(topic) {
        const context = queueContext(folder.path, topic)
        await rabbitmq.provision?.(config, context)
        await using queue = await rabbitmq.open(config, context)
        await queue.addGroup?.('g', { hold: true })
        const groups = ['storage', 'g'].map((group) =>
          createNames(config.prefix, topic, config.queues).group(group),
        )
        await own.settled(groups.flatMap(({ queues }) => queues))
      },
      count: Number(process.env['HEADWATER_QUEUE_COUNT'] ?? 2_000),
      takeoverMs: 10_000,
      // A batch of each side: one is published again, one was handed over and not acknowledged.
      repeatsATrouble: 150,
      limitMs: 80_000,
    })

    const { topics } = ownTopics()
    const url = `amqp://${user}:${password}@127.0.0.1:${port}`
    queueLoad('rabbitmq', {
      queue: { type: 'rabbitmq', url, topics },
      open: (dataDir) => rabbitmq.open(rabbitmq.config.parse({ url }), queueContext(dataDir, topics.reviews)),
      count: Number(process.env['HEADWATER_QUEUE_LOAD'] ?? 2_000),
      kills: Number(process.env['HEADWATER_QUEUE_KILLS'] ?? 1),
      async settled() {
        const groups = [topics.reviews, topics.dead_letters].flatMap((topic) => {
          const names = createNames(config.prefix, topic, config.queues)
          return [names.group('storage'), ...(topic === topics.reviews ? [names.group('order')] : [])]
        })
        await own.settled(groups.flatMap(({ queues }) => queues))
      },
      async killBroker() {
        await own.kill()
        await own.restart()
      },
      limitMs: LOAD_LIMIT_MS,
    })
  }
}
