import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { provisioned, settingsOf } from '../support/cassandra.ts'
import { cassandraServer } from '../support/servers/cassandra.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { storeFaults } from './store-faults.ts'

// A single node keeps what it acknowledged only if its commit log is synced before it answers.
const server = await cassandraServer({ commitLog: 'group', mayKill: true })

if (server.skip !== false || !server.own) {
  describe('cassandra', { skip: server.skip }, () => {
    test('store and registry, in trouble')
  })
} else {
  const { own } = server
  const wire = await startProxy({ port: own.port })
  after(async () => {
    await wire[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  storeFaults('cassandra', {
    module: join(import.meta.dirname, '../../src/stores/cassandra/index.ts'),
    async provision(name) {
      await provisioned(server, name)
      return { ...settingsOf(server, name, `127.0.0.1:${wire.port}`), timeoutMs: '2s' }
    },
    wire,
    database: {
      freeze: () => own.freeze(),
      thaw: () => own.thaw(),
      kill: () => own.kill(),
      restart: () => own.restart(),
    },
    count: Number(process.env['HEADWATER_STORE_COUNT'] ?? 1_000),
    noticedMs: 10_000,
  })
}
