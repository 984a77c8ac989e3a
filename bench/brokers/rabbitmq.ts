import { connect, type ConsumeMessage } from 'amqplib'
import rabbitmq from '../../src/queues/rabbitmq/index.ts'
import { queueContext } from '../../test/support/queue-context.ts'
import { rabbitmqServer } from '../../test/support/servers/rabbitmq.ts'
import { temporaryFolder } from '../../test/support/temp.ts'
import { type Bare, BATCH, type StartBroker } from './broker.ts'

const QUEUES = 4

export const startRabbitmq: StartBroker = async () => {
  const server = await rabbitmqServer()
  if (server.skip !== false) return server.skip
  const folder = await temporaryFolder()
  const url = `amqp://${server.user}:${server.password}@${server.host}:${server.port}/${server.vhost}`
  const config = rabbitmq.config.parse({ url, queues: QUEUES, prefetch: BATCH })
  return {
    lingerMs: 20,
    async open(topic) {
      const context = queueContext(folder.path, topic)
      await rabbitmq.provision?.(config, context)
      return rabbitmq.open(config, context)
    },
    bare: (topic) => openBare(url, topic),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function openBare(url: string, topic: string): Promise<Bare> {
  // Else the last packet of each batch waits for 40 ms.
  const connection = await connect(url, { noDelay: true })
  const channel = await connection.createConfirmChannel()
  await channel.assertExchange(topic, 'direct', { durable: true })
  const queues = Array.from({ length: QUEUES }, (_, n) => `${topic}.${n}`)
  for (const [n, queue] of queues.entries()) {
    const options = { 'x-queue-type': 'quorum', 'x-single-active-consumer': true }
    await channel.assertQueue(queue, { durable: true, arguments: options })
    await channel.bindQueue(queue, topic, String(n))
  }
  return {
    async publish(messages) {
      for (const { key, body } of messages) {
        const routingKey = String((key.codePointAt(key.length - 1) ?? 0) % QUEUES)
        channel.publish(topic, routingKey, body, { persistent: true, mandatory: true, headers: { key } })
      }
      await channel.waitForConfirms()
    },
    async read(count) {
      const reading = await connection.createChannel()
      await reading.prefetch(BATCH)
      const done = Promise.withResolvers<void>()
      let left = count
      let held = 0
      const take = (message: ConsumeMessage | null): void => {
        if (!message) return
        left--
        held++
        if (held < BATCH / 2 && left > 0) return
        reading.ack(message, true)
        held = 0
        if (left <= 0) done.resolve()
      }
      for (const queue of queues) await reading.consume(queue, take)
      await done.promise
      await reading.close()
    },
    async [Symbol.asyncDispose]() {
      await connection.close()
    },
  }
}
