import { join } from 'node:path'
import { after, test } from 'node:test'
import rabbitmq from '../../src/queues/rabbitmq/index.ts'
import { queueContext } from '../support/queue-context.ts'
import { rabbitmqServer } from '../support/servers/rabbitmq.ts'
import { freePorts } from '../support/servers/process.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { temporaryFolder } from '../support/temp.ts'
import { adapterConformance } from './adapter.ts'
import { queueConformance } from './queue.ts'

const server = await rabbitmqServer()
if (server.skip !== false) test('rabbitmq queue', { skip: server.skip })
else {
  const { host, port, user, password, vhost } = server
  const wire = await startProxy({ host, port })
  const folder = await temporaryFolder()
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  const config = rabbitmq.config.parse({
    url: `amqp://${user}:${password}@127.0.0.1:${wire.port}/${vhost}`,
    prefix: 'test.',
  })
  const contextOf = (topic: string) => queueContext(folder.path, topic)
  const open = (topic: string) => rabbitmq.open(config, contextOf(topic))
  const src = join(import.meta.dirname, '../../src/queues')

  queueConformance('rabbitmq', {
    async open(topic) {
      await rabbitmq.provision?.(config, contextOf(topic))
      return open(topic)
    },
    openMissing: open,
    wire,
    holds: 'all',
    beginsLate: true,
    skip: {
      'tells the backlog of a group':
        'AMQP tells what waits in a queue, and not what the readers of another session hold',
    },
  })

  adapterConformance('rabbitmq queue', {
    list: join(src, 'index.ts'),
    file: join(src, 'rabbitmq/index.ts'),
    clients: ['amqplib'],
    examples: [
      { url: 'amqp://headwater:secret@rabbitmq:5672/reviews' },
      {
        url: 'amqps://rabbitmq:5671',
        queues: 8,
        prefetch: 200,
        maxMessageBytes: '4MiB',
        tls: { ca: 'ca.pem', cert: 'client.pem', key: 'client.key' },
      },
    ],
    async openUnusable() {
      const [port = 0] = await freePorts(1)
      const nowhere = rabbitmq.config.parse({ url: `amqp://127.0.0.1:${port}` })
      return { place: `127.0.0.1:${port}`, opened: rabbitmq.open(nowhere, contextOf('reviews')) }
    },
    provision: async () => rabbitmq.provision?.(config, contextOf('provisioned')),
    patienceMs: 5_000,
  })
}
