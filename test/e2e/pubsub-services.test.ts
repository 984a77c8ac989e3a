import { after, test } from 'node:test'
import { freePorts } from '../support/servers/process.ts'
import { pubsubServer } from '../support/servers/pubsub.ts'
import { ownTopics } from '../support/topics.ts'
import { servicesOn } from './services.ts'

const server = await pubsubServer()
if (server.skip !== false) test('services on Pub/Sub', { skip: server.skip }, () => {})
else {
  after(() => server[Symbol.asyncDispose]())
  const [nobody = 0] = await freePorts(1)
  const queueAt = (port: number) => ({
    type: 'pubsub',
    project: 'test',
    endpoint: `http://127.0.0.1:${port}`,
    ack_deadline: '10s',
  })
  const queue = queueAt(server.port)

  servicesOn('Pub/Sub', {
    backends: () => ({ queue: { ...queue, ...ownTopics() } }),
    wrong: {
      'an address where nobody listens': {
        backends: { queue: queueAt(nobody) },
        names: /^QUEUE_UNAVAILABLE: .*queue\.endpoint/m,
      },
      'a topic that is not there': {
        backends: { queue: { ...queue, ...ownTopics() } },
        names: /^TOPIC_MISSING: .*raw-reviews.*headwater provision/m,
      },
    },
    toGroup: true,
    tellsBacklog: false,
    beginsLate: true,
    // The test server gives out one message of a product at a time.
    count: 1_000,
  })
}
