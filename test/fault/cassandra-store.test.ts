import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import cassandra from '../../src/stores/cassandra/index.ts'
import { retry } from '../../src/lib/retry.ts'
import { context, provisioned, settingsOf } from '../support/cassandra.ts'
import { cassandraServer } from '../support/servers/cassandra.ts'
import { accepted } from '../support/records.ts'
import { startProxy } from '../support/servers/proxy.ts'
import { copyLoad } from './copy-load.ts'
import { storeFaults } from './store-faults.ts'
import { storeLoad } from './store-load.ts'
import { storeOutage } from './store-outage.ts'
import type { WholeHarness } from './store-whole.ts'

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
    database: own,
    count: Number(process.env['HEADWATER_STORE_COUNT'] ?? 1_000),
    noticedMs: 10_000,
  })

  const { dataCenter, username, password } = server
  const whole: WholeHarness = {
    section: (name) => ({
      type: 'cassandra',
      contact_points: [`127.0.0.1:${wire.port}`],
      local_data_center: dataCenter,
      keyspace: name,
      username,
      password,
      replication: { [dataCenter]: 1 },
    }),
    wire,
    restart: () => own.restart(),
  }
  storeLoad('cassandra', whole)
  storeOutage('cassandra', whole)
  copyLoad('cassandra', whole)

  test('comes back from losing every node, again and again, with no more connections each time', async () => {
    await provisioned(server, 'again')
    const settings = settingsOf(server, 'again', `127.0.0.1:${wire.port}`)
    await using store = await cassandra.open(cassandra.config.parse(settings), context)
    const before = wire.connections
    for (let turn = 0; turn < 8; turn++) {
      wire.cut()
      const signal = AbortSignal.timeout(30_000)
      await retry(() => store.get([accepted(1).key]), signal, { baseMs: 50, maxMs: 500 })
      // One that is closed and one that is opened may meet.
      assert.ok(wire.connections <= before + 2, `${wire.connections} connections, ${before} before`)
    }
  })
}
