import { join } from 'node:path'
import { after, test } from 'node:test'
import { createProvisioner, kinesisSettings, openKinesis, useTestCredentials } from '../support/kinesis.ts'
import { queueContext } from '../support/queue-context.ts'
import { freePorts } from '../support/servers/process.ts'
import { kinesisServer } from '../support/servers/kinesis.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { temporaryFolder } from '../support/temp.ts'
import { adapterConformance } from './adapter.ts'
import { queueConformance } from './queue.ts'

useTestCredentials()
const server = await kinesisServer()
if (server.skip !== false) {
  test('kinesis', { skip: server.skip }, () => {})
} else {
  const folder = await temporaryFolder()
  const wire = await startProxy({ port: server.port })
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server.stop()
    await folder[Symbol.asyncDispose]()
  })
  // Longer than a busy machine may stop for: a lease that ends is a message that comes again.
  const settings = { ...kinesisSettings(wire.port), leaseMs: '5s' }
  const provision = createProvisioner(settings, folder.path)
  const openMissing = (topic: string) => openKinesis(settings, queueContext(folder.path, topic))

  queueConformance('kinesis', {
    async open(topic) {
      await provision(topic)
      return openMissing(topic)
    },
    openMissing,
    wire,
    holds: 'none',
    carriesHeaders: false,
    arrivalStepMs: 1_000,
  })

  const src = join(import.meta.dirname, '../../src')
  adapterConformance('kinesis queue', {
    list: join(src, 'queues/index.ts'),
    file: join(src, 'queues/kinesis/index.ts'),
    clients: ['@aws-sdk/client-kinesis', '@smithy/node-http-handler'],
    examples: [
      { region: 'eu-central-1' },
      { region: 'eu-central-1', prefix: 'shop-', mode: 'on-demand', retentionMs: '7d' },
      { region: 'us-east-1', endpoint: 'http://127.0.0.1:4567', shards: 2, maxMessageBytes: '1MiB' },
    ],
    async openUnusable() {
      const [port = 0] = await freePorts(1)
      const opened = openKinesis(kinesisSettings(port), queueContext(folder.path, 'raw-reviews'))
      return { place: `127.0.0.1:${port} (queue.endpoint)`, opened }
    },
    provision: () => createProvisioner(settings, folder.path)('twice'),
    patienceMs: 5_000,
  })
}
