import { randomUUID } from 'node:crypto'
import type { Message } from '../src/queues/queue.ts'
import { type Bare, BATCH, type Broker, type StartBroker } from './brokers/broker.ts'
import type { Question, Row } from './question.ts'
import { messagesFrom } from './records.ts'

const BROKERS: Readonly<Record<string, () => Promise<StartBroker>>> = {
  Kafka: async () => (await import('./brokers/kafka.ts')).startKafka,
  RabbitMQ: async () => (await import('./brokers/rabbitmq.ts')).startRabbitmq,
  'Kinesis (emulator)': async () => (await import('./brokers/kinesis.ts')).startKinesis,
  'Pub/Sub (test server)': async () => (await import('./brokers/pubsub.ts')).startPubsub,
}
const WARM_UP = 5_000

interface Cost {
  readonly cpuMicros: number
  readonly perSecond: number
}

/** Each broker's adapter beside its bare client, in this process, one after the other. */
export const brokers: Question = {
  name: 'brokers',
  asks:
    `What does each broker's adapter cost, as against its client library alone doing the same as safely, in batches of ${BATCH}? ` +
    'CPU is that of the client. Aimed at: a ratio of 1.3. A broker that could not be started is missing.',
  async ask({ count }) {
    const rows: Row[] = []
    const some = Math.min(count, 20_000)
    for (const [name, load] of Object.entries(BROKERS)) {
      const broker = await (await load())()
      if (typeof broker === 'string') process.stderr.write(`${name}: ${broker}\n`)
      else rows.push(...(await askBroker(name, broker, some)))
    }
    return rows
  },
}

async function askBroker(name: string, broker: Broker, count: number): Promise<readonly Row[]> {
  await using _ = broker
  const messages = messagesFrom(0, WARM_UP + count)
  const bare = await costs(await broker.bare(`bare-${randomUUID()}`), messages)
  const ours = await costs(await adapter(broker, `ours-${randomUUID()}`), messages)
  return (['publish', 'read'] as const).map((what) => ({
    of: `${name}: ${what === 'read' ? 'read and acknowledge' : what}`,
    figures: {
      'client alone: CPU µs per message': bare[what].cpuMicros,
      'Headwater: CPU µs per message': ours[what].cpuMicros,
      ratio: ours[what].cpuMicros / bare[what].cpuMicros,
      'client alone: messages/s': bare[what].perSecond,
      'Headwater: messages/s': ours[what].perSecond,
    },
  }))
}

/** The adapter, used as the bare client is. */
async function adapter(broker: Broker, topic: string): Promise<Bare> {
  const queue = await broker.open(topic)
  return {
    async publish(messages) {
      const rejections = await queue.publish(messages)
      if (rejections.length > 0) throw new Error(`${rejections.length} messages were refused`)
    },
    async read(count) {
      let left = count
      const acknowledged: Promise<void>[] = []
      const signal = AbortSignal.timeout(120_000)
      for await (const batch of queue.read({
        group: 'storage',
        signal,
        maxItems: BATCH,
        lingerMs: broker.lingerMs,
      })) {
        acknowledged.push(batch.ack())
        left -= batch.items.length
        if (left <= 0) break
      }
      await Promise.all(acknowledged)
      if (left > 0) throw new Error(`${left} messages did not come`)
    },
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  }
}

/** Publishes all and reads all; what comes first warms up. */
async function costs(side: Bare, messages: readonly Message[]): Promise<Record<'publish' | 'read', Cost>> {
  await using _ = side
  const publish = async (some: readonly Message[]): Promise<void> => {
    for (let at = 0; at < some.length; at += BATCH) await side.publish(some.slice(at, at + BATCH))
  }
  await publish(messages.slice(0, WARM_UP))
  await side.read(WARM_UP)
  const rest = messages.slice(WARM_UP)
  return {
    publish: await timed(rest.length, () => publish(rest)),
    read: await timed(rest.length, () => side.read(rest.length)),
  }
}

async function timed(count: number, work: () => Promise<void>): Promise<Cost> {
  const before = process.cpuUsage()
  const startedAt = performance.now()
  await work()
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(before)
  return { cpuMicros: (user + system) / count, perSecond: Math.round(count / seconds) }
}
