import { join } from 'node:path'
import { after, test } from 'node:test'
import kafka from '../../src/queues/kafka/index.ts'
import { queueContext } from '../support/queue-context.ts'
import { kafkaServer } from '../support/servers/kafka.ts'
import { temporaryFolder } from '../support/temp.ts'
import { adapterConformance } from './adapter.ts'
import { queueConformance } from './queue.ts'

/** Those of docs/adapters/kafka.md. */
const brokers = ['kafka-1.example.com:9093']
const EXAMPLES = [
  { brokers: ['kafka-1.example.com:9092', 'kafka-2.example.com:9092'] },
  {
    brokers,
    tls: { ca: '/etc/headwater/ca.pem' },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'headwater', password: 'secret' },
    compression: 'zstd',
    maxMessageBytes: '5MB',
    retentionMs: '7d',
  },
  {
    brokers,
    tls: true,
    sasl: {
      mechanism: 'OAUTHBEARER',
      tokenUrl: 'https://login.example.com/oauth2/token',
      clientId: 'headwater',
      clientSecret: 'secret',
    },
  },
  { brokers, tls: { ca: 'ca.pem', cert: 'headwater.pem', key: 'headwater-key.pem' } },
]

const server = await kafkaServer()

if (server.skip !== false) test('kafka queue', { skip: server.skip }, () => {})
else {
  const folder = await temporaryFolder()
  after(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const config = kafka.config.parse({
    brokers: [server.address],
    partitions: 4,
    producers: 3,
    replication: 1,
    sessionTimeoutMs: '6s',
    publishTimeoutMs: '10s',
  })
  const context = (topic: string) => queueContext(folder.path, topic)

  queueConformance('kafka', {
    async open(topic) {
      await kafka.provision?.(config, context(topic))
      return kafka.open(config, context(topic))
    },
    openMissing: (topic) => kafka.open(config, context(topic)),
    ...(server.own && { wire: server.own.wire }),
    holds: 'none',
  })

  const src = join(import.meta.dirname, '../../src')
  adapterConformance('kafka queue', {
    list: join(src, 'queues/index.ts'),
    file: join(src, 'queues/kafka/index.ts'),
    clients: ['@platformatic/kafka'],
    examples: EXAMPLES,
    async openUnusable() {
      const place = '127.0.0.1:9'
      return { place, opened: kafka.open(kafka.config.parse({ brokers: [place] }), context('raw-reviews')) }
    },
    provision: async () => kafka.provision?.(config, context('test-provisioned')),
    patienceMs: 5_000,
  })
}
