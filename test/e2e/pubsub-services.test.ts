import { test } from 'node:test'
import { QUEUES } from '../support/backends.ts'
import { freePorts } from '../support/servers/process.ts'
import { ownTopics } from '../support/topics.ts'
import { servicesOn } from './services.ts'

const queue = await QUEUES.pubsub()
if (typeof queue === 'string') test('services on Pub/Sub', { skip: queue }, () => {})
else {
  const [nobody = 0] = await freePorts(1)

  servicesOn('Pub/Sub', {
    backends: () => ({ queue: { ...queue, ...ownTopics() } }),
    wrong: {
      'an address where nobody listens': {
        backends: { queue: { ...queue, endpoint: `http://127.0.0.1:${nobody}` } },
        names: /QUEUE_UNAVAILABLE\W.*queue\.endpoint/m,
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
