import { join } from 'node:path'
import { after, test } from 'node:test'
import kinesis from '../../src/queues/kinesis/index.ts'
import { queueContext } from '../support/queue-context.ts'
import { createProvisioner, kinesisSettings, useTestCredentials } from '../support/kinesis.ts'
import { kinesisServer } from '../support/servers/kinesis.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { temporaryFolder } from '../support/temp.ts'
import { ownTopics } from '../support/topics.ts'
import { queueFaults } from './queue-faults.ts'
import { LOAD_LIMIT_MS, queueLoad } from './queue-load.ts'

useTestCredentials()
const server = await kinesisServer({ isDurable: true })
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
  const settings = kinesisSettings(wire.port)

  queueFaults('kinesis', {
    module: join(import.meta.dirname, '../../src/queues/kinesis/index.ts'),
    settings,
    wire,
    dataDir: folder.path,
    broker: server,
    provision: createProvisioner(settings, folder.path),
    count: Number(process.env['HEADWATER_QUEUE_COUNT'] ?? 2_000),
    takeoverMs: 10_000,
    // What one publish carries, and what a reader has in hand.
    repeatsATrouble: 100,
  })

  const { topics } = ownTopics()
  const endpoint = `http://127.0.0.1:${server.port}`
  queueLoad('kinesis', {
    queue: { type: 'kinesis', region: 'us-east-1', endpoint, topics },
    open: (dataDir) =>
      kinesis.open(
        kinesis.config.parse({ region: 'us-east-1', endpoint }),
        queueContext(dataDir, topics.reviews),
      ),
    count: Number(process.env['HEADWATER_QUEUE_LOAD'] ?? 1_000),
    kills: Number(process.env['HEADWATER_QUEUE_KILLS'] ?? 1),
    limitMs: LOAD_LIMIT_MS,
  })
}
