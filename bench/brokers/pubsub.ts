import { v1 } from '@google-cloud/pubsub'
import { credentials } from '@grpc/grpc-js'
import pubsub from '../../src/queues/pubsub/index.ts'
import { queueContext } from '../../test/support/queue-context.ts'
import { pubsubServer } from '../../test/support/servers/pubsub.ts'
import { type Bare, BATCH, type StartBroker } from './broker.ts'

const PROJECT = 'bench'

/** A test server, so that only what the client does is measured well. */
export const startPubsub: StartBroker = async () => {
  const server = await pubsubServer()
  if (server.skip !== false) return server.skip
  const config = pubsub.config.parse({ project: PROJECT, endpoint: `http://127.0.0.1:${server.port}` })
  return {
    // The test server gives out one message of a key at a time.
    lingerMs: 0,
    async open(topic) {
      const context = queueContext('.', topic)
      await pubsub.provision?.(config, context)
      return pubsub.open(config, context)
    },
    bare: (topic) => openBare(server.port, topic),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function openBare(port: number, name: string): Promise<Bare> {
  const options = {
    servicePath: '127.0.0.1',
    port,
    projectId: PROJECT,
    sslCreds: credentials.createInsecure(),
  }
  const publisher = new v1.PublisherClient(options)
  const subscriber = new v1.SubscriberClient(options)
  const topic = `projects/${PROJECT}/topics/${name}`
  const subscription = `projects/${PROJECT}/subscriptions/${name}`
  await publisher.createTopic({ name: topic })
  await subscriber.createSubscription({
    name: subscription,
    topic,
    enableMessageOrdering: true,
    ackDeadlineSeconds: 60,
  })
  return {
    async publish(messages) {
      await publisher.publish({
        topic,
        messages: messages.map(({ key, body }) => ({ orderingKey: key, data: body })),
      })
    },
    async read(count) {
      for (let left = count; left > 0; ) {
        const [{ receivedMessages }] = await subscriber.pull({ subscription, maxMessages: BATCH })
        const ackIds = (receivedMessages ?? []).map(({ ackId }) => ackId ?? '')
        if (ackIds.length > 0) await subscriber.acknowledge({ subscription, ackIds })
        left -= ackIds.length
      }
    },
    async [Symbol.asyncDispose]() {
      await publisher.close()
      await subscriber.close()
    },
  }
}
