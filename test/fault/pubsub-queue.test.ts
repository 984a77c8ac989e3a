import { join } from 'node:path'
import { after, test } from 'node:test'
import pubsub from '../../src/queues/pubsub/index.ts'
import { queueContext } from '../support/queue-context.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { pubsubServer } from '../support/servers/pubsub.ts'
import { temporaryFolder } from '../support/temp.ts'
import { queueFaults } from './queue-faults.ts'

const server = await pubsubServer()

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
    repeatsATrouble: 200,
  })
}
