import { test } from 'node:test'
import { QUEUES } from '../support/backends.ts'
import { freePorts } from '../support/servers/process.ts'
import { ownTopics } from '../support/topics.ts'
import { servicesOn } from './services.ts'

const queue = await QUEUES.rabbitmq()
if (typeof queue === 'string') test('services on RabbitMQ', { skip: queue }, () => {})
else {
  const [nobody = 0] = await freePorts(1)
  const wrong = new URL(queue.url)
  wrong.password = 'wrong'

  servicesOn('RabbitMQ', {
    backends: () => ({ queue: { ...queue, ...ownTopics() } }),
    wrong: {
      'an address where nobody listens': {
        backends: { queue: { ...queue, url: `amqp://guest:guest@127.0.0.1:${nobody}` } },
        names: /QUEUE_UNAVAILABLE\W.*queue\.url/m,
      },
      'a wrong password': {
        backends: { queue: { ...queue, url: wrong.href } },
        names: /^QUEUE_REFUSED: .*queue\.url/m,
      },
      'a topic that is not there': {
        backends: { queue: { ...queue, ...ownTopics() } },
        names: /^TOPIC_MISSING: .*raw-reviews.*headwater provision/m,
      },
    },
    toGroup: true,
    tellsBacklog: true,
    beginsLate: true,
  })
}
