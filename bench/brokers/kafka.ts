import { Admin, Consumer, compatibilityPartitioner, Producer } from '@platformatic/kafka'
import kafka from '../../src/queues/kafka/index.ts'
import { queueContext } from '../../test/support/queue-context.ts'
import { kafkaServer } from '../../test/support/servers/kafka.ts'
import { type Bare, BATCH, type StartBroker } from './broker.ts'

const PARTITIONS = 12

export const startKafka: StartBroker = async () => {
  const server = await kafkaServer()
  if (server.skip !== false) return server.skip
  const config = kafka.config.parse({ brokers: [server.address], partitions: PARTITIONS, replication: 1 })
  return {
    lingerMs: 20,
    async open(topic) {
      const context = queueContext('.', topic)
      await kafka.provision?.(config, context)
      return kafka.open(config, context)
    },
    bare: (topic) => openBare(server.address, topic),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function openBare(address: string, topic: string): Promise<Bare> {
  const base = { bootstrapBrokers: [address], clientId: 'bare' }
  const admin = new Admin(base)
  await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 })
  const producer = new Producer<Buffer, Buffer, string, string>({
    ...base,
    idempotent: true,
    acks: -1,
    partitioner: compatibilityPartitioner,
    autocreateTopics: false,
    serializers: {
      key: (key) => key,
      value: (value) => value,
      headerKey: (name) => Buffer.from(name ?? ''),
      headerValue: (value) => Buffer.from(value ?? ''),
    },
  })
  const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({ ...base, groupId: `${topic}-bare` })
  return {
    async publish(messages) {
      await producer.send({
        messages: messages.map(({ key, body }) => ({ topic, key: Buffer.from(key), value: body })),
      })
    },
    async read(count) {
      const stream = await consumer.consume({
        topics: [topic],
        mode: 'committed',
        fallbackMode: 'earliest',
        autocommit: false,
        maxWaitTime: 100,
      })
      const next = new Map<number, bigint>()
      let left = count
      for await (const { partition, offset } of stream) {
        next.set(partition, offset + 1n)
        left--
        if (left % BATCH !== 0 && left > 0) continue
        const offsets = Array.from(next, ([at, to]) => ({ topic, partition: at, offset: to, leaderEpoch: 0 }))
        await consumer.commit({ offsets })
        next.clear()
        if (left <= 0) break
      }
      await stream.close()
    },
    async [Symbol.asyncDispose]() {
      await consumer.close(true)
      await producer.close()
      await admin.close()
    },
  }
}
