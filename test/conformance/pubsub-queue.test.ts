import { join } from 'node:path'
import { after, test } from 'node:test'
import pubsub from '../../src/queues/pubsub/index.ts'
import { queueContext } from '../support/queue-context.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { pubsubServer } from '../support/servers/pubsub.ts'
import { temporaryFolder } from '../support/temp.ts'
import { queueConformance } from './queue.ts'

const server = await pubsubServer()

if (server.skip !== false) test('Pub/Sub queue', { skip: server.skip }, () => {})
else {
  const folder = await temporaryFolder()
  const wire = await startProxy(server)
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const config = pubsub.config.parse({
    project: 'test',
    endpoint: `http://127.0.0.1:${wire.port}`,
    ackDeadlineMs: '10s',
    maxMessageBytes: '1MB',
  })
  const contextOf = (topic: string) => queueContext(folder.path, topic)

  queueConformance('Pub/Sub', {
    async open(topic) {
      await pubsub.provision?.(config, contextOf(topic))
      return pubsub.open(config, contextOf(topic))
    },
    openMissing: (topic) => pubsub.open(config, contextOf(topic)),
    wire,
    holds: 'all',
    beginsLate: true,
    oneOfAKey: true,
    seesReaders: false,
  })
  void join
}
