import { after, test } from 'node:test'
import { kinesisServer } from '../support/servers/kinesis.ts'
import { freePorts } from '../support/servers/process.ts'
import { ownTopics } from '../support/topics.ts'
import { servicesOn } from './services.ts'

const server = await kinesisServer()
if (server.skip !== false) test('services on Kinesis', { skip: server.skip }, () => {})
else {
  after(() => server.stop())
  const [nobody = 0] = await freePorts(1)
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
  const queueAt = (port: number) => ({
    type: 'kinesis',
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
  })
  const queue = queueAt(server.port)

  servicesOn('Kinesis', {
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
    toGroup: false,
    tellsBacklog: false,
    beginsLate: false,
  })
}
