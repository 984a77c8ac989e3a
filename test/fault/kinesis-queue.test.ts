import { join } from 'node:path'
import { after, test } from 'node:test'
import { createProvisioner, kinesisSettings, useTestCredentials } from '../support/kinesis.ts'
import { kinesisServer } from '../support/servers/kinesis.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { temporaryFolder } from '../support/temp.ts'
import { queueFaults } from './queue-faults.ts'

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
}
