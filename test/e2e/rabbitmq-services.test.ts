import { after, test } from 'node:test'
import { freePorts } from '../support/servers/process.ts'
import { rabbitmqServer } from '../support/servers/rabbitmq.ts'
import { ownTopics } from '../support/topics.ts'
import { servicesOn } from './services.ts'

const server = await rabbitmqServer()
if (server.skip !== false) test('services on RabbitMQ', { skip: server.skip }, () => {})
else {
  after(() => server[Symbol.asyncDispose]())
  const [nobody = 0] = await freePorts(1)
  const { user, password, host, port, vhost } = server
  const queueAt = (login: string, at: number) => ({
    type: 'rabbitmq',
    url: `amqp://${login}@${host}:${at}/${vhost}`,
  })
  const queue = queueAt(`${user}:${password}`, port)

  servicesOn('RabbitMQ', {
    backends: () => ({ queue: { ...queue, ...ownTopics() } }),
    wrong: {
      'an address where nobody listens': {
        backends: { queue: queueAt(`${user}:${password}`, nobody) },
        names: /^QUEUE_UNAVAILABLE: .*queue\.url/m,
      },
      'a wrong password': {
        backends: { queue: queueAt(`${user}:wrong`, port) },
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
