import { test } from 'node:test'
import { QUEUES } from '../support/backends.ts'
import { freePorts } from '../support/servers/process.ts'
import { ownTopics } from '../support/topics.ts'
import { servicesOn } from './services.ts'

const queue = await QUEUES.kinesis()
if (typeof queue === 'string') test('services on Kinesis', { skip: queue }, () => {})
else {
  const [nobody = 0] = await freePorts(1)

  servicesOn('Kinesis', {
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
    toGroup: false,
    tellsBacklog: false,
    beginsLate: false,
  })
}
