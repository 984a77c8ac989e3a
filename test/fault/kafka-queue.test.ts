import { join } from 'node:path'
import { after, test } from 'node:test'
import kafka from '../../src/queues/kafka/index.ts'
import { queueContext } from '../support/queue-context.ts'
import { kafkaServer } from '../support/servers/kafka.ts'
import { temporaryFolder } from '../support/temp.ts'
import { ownTopics } from '../support/topics.ts'
import { queueFaults } from './queue-faults.ts'
import { LOAD_LIMIT_MS, queueLoad } from './queue-load.ts'

const server = await kafkaServer()
const skip = server.skip !== false ? server.skip : !server.own && 'the broker is not ours to kill'

if (server.skip !== false || !server.own) test('kafka queue, in trouble', { skip }, () => {})
else {
  const folder = await temporaryFolder()
  after(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const settings = {
    brokers: [server.address],
    partitions: 6,
    replication: 1,
    sessionTimeoutMs: '6s',
    publishTimeoutMs: '5s',
  }
  queueFaults('kafka', {
    module: join(import.meta.dirname, '../../src/queues/kafka/index.ts'),
    settings,
    wire: server.own.wire,
    dataDir: folder.path,
    broker: server.own.broker,
    provision: async (topic) =>
      kafka.provision?.(kafka.config.parse(settings), queueContext(folder.path, topic)),
    count: Number(process.env['HEADWATER_QUEUE_COUNT'] ?? 2_000),
    takeoverMs: 16_000,
    repeatsATrouble: 100,
  })

  const own = server.own
  const { topics } = ownTopics()
  queueLoad('kafka', {
    queue: { type: 'kafka', brokers: [server.address], partitions: 6, replication: 1, topics },
    open: (dataDir) =>
      kafka.open(kafka.config.parse({ brokers: [server.address] }), queueContext(dataDir, topics.reviews)),
    count: Number(process.env['HEADWATER_QUEUE_LOAD'] ?? 2_000),
    kills: Number(process.env['HEADWATER_QUEUE_KILLS'] ?? 1),
    async killBroker() {
      await own.broker.kill()
      await own.broker.restart()
    },
    limitMs: LOAD_LIMIT_MS,
  })
}
