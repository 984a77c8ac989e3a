import { test } from 'node:test'
import { QUEUES } from '../support/backends.ts'
import { freePorts } from '../support/servers/process.ts'
import { ownTopics } from '../support/topics.ts'
import { servicesOn } from './services.ts'

const queue = await QUEUES.kafka()
if (typeof queue === 'string') test('services on Kafka', { skip: queue }, () => {})
else {
  const [nobody = 0] = await freePorts(1)

  servicesOn('Kafka', {
    backends: () => ({ queue: { ...queue, ...ownTopics() } }),
    wrong: {
      'an address where nobody listens': {
        backends: { queue: { ...queue, brokers: [`127.0.0.1:${nobody}`] } },
        names: /QUEUE_UNAVAILABLE\W.*queue\.brokers 127\.0\.0\.1:\d+/m,
      },
      'a topic that is not there': {
        backends: { queue: { ...queue, ...ownTopics() } },
        names: /^TOPIC_MISSING: .*raw-reviews.*headwater provision/m,
      },
    },
    toGroup: false,
    tellsBacklog: true,
    beginsLate: false,
  })
}
