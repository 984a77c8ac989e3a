import { join } from 'node:path'
import { after, test } from 'node:test'
import kinesis from '../../src/queues/kinesis/index.ts'
import { queueContext } from '../support/queue-context.ts'
import { createProvisioner, kinesisSettings, useTestCredentials } from '../support/kinesis.ts'
import { type KinesisServer, kinesisServer } from '../support/servers/kinesis.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { temporaryFolder } from '../support/temp.ts'
import { ownTopics } from '../support/topics.ts'
import { type FaultHarness, queueFaults } from './queue-faults.ts'
import { LOAD_LIMIT_MS, queueLoad } from './queue-load.ts'

useTestCredentials()
const count = Number(process.env['HEADWATER_QUEUE_COUNT'] ?? 2_000)
/** The emulator that outlives its end writes all it holds with each write. */
const MOST_DURABLE = 2_000

// With an option it is always one of our own, which may be frozen.
const server = await kinesisServer({ isDurable: false })
const durable = await kinesisServer({ isDurable: true })
if (server.skip !== false || durable.skip !== false) {
  test('kinesis', { skip: server.skip || durable.skip }, () => {})
} else {
  const { restart: _, ...forgetful } = server
  // All is made before the first test is declared: the runner may take what is declared by then for all there is.
  const harness = await harnessOf(server, forgetful, count)
  const outliving = await harnessOf(durable, durable, Math.min(count, MOST_DURABLE))
  queueFaults('kinesis', harness)
  queueFaults('kinesis (an emulator that outlives its end)', {
    ...outliving,
    only: ['loses nothing when the broker is killed and comes back'],
  })
  loadOn(server)
}

async function harnessOf(
  server: KinesisServer,
  broker: FaultHarness['broker'],
  count: number,
): Promise<FaultHarness> {
  const folder = await temporaryFolder()
  const wire = await startProxy({ port: server.port })
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server.stop()
    await folder[Symbol.asyncDispose]()
  })
  const settings = kinesisSettings(wire.port)
  return {
    module: join(import.meta.dirname, '../../src/queues/kinesis/index.ts'),
    settings,
    wire,
    dataDir: folder.path,
    broker,
    provision: createProvisioner(settings, folder.path),
    count,
    takeoverMs: 10_000,
    // What one publish carries, and what a reader has in hand.
    repeatsATrouble: 100,
  }
}

function loadOn({ port }: KinesisServer): void {
  const { topics } = ownTopics()
  const endpoint = `http://127.0.0.1:${port}`
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
