import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import cassandra from '../../src/stores/cassandra/index.ts'
import { REGISTRY_TABLES, STORE_TABLES } from '../../src/stores/cassandra/tables.ts'
import { clientOf, context, provisioned, settingsOf } from '../support/cassandra.ts'
import { cassandraServer } from '../support/servers/cassandra.ts'
import { adapterConformance } from './adapter.ts'
import { accessPromises } from './cassandra-access.ts'
import { rowPromises } from './cassandra-rows.ts'
import { registryConformance } from './registry.ts'
import { storeConformance } from './store.ts'

const src = join(import.meta.dirname, '../../src')
const server = await cassandraServer({ commitLog: 'periodic' })

if (server.skip !== false) {
  describe('cassandra', { skip: server.skip }, () => {
    test('store and registry')
  })
} else {
  const keyspace = `headwater_${Date.now()}`
  const config = await provisioned(server, keyspace)
  const client = await clientOf(server)
  after(async () => {
    await client.execute(`DROP KEYSPACE ${keyspace}`)
    await client.shutdown()
    await server[Symbol.asyncDispose]()
  })
  const patienceMs = 180_000

  /** Emptying tables takes a third of the time that making them takes: the next name finds them empty. */
  function emptied(tables: readonly string[]): (name: string) => Promise<void> {
    let last = ''
    return async (name) => {
      if (name === last) return
      last = name
      await Promise.all(tables.map((table) => client.execute(`TRUNCATE ${keyspace}.${table}`)))
    }
  }
  const emptyStore = emptied(STORE_TABLES)
  const emptyRegistry = emptied(REGISTRY_TABLES)

  storeConformance('cassandra', {
    patienceMs,
    async open(name) {
      await emptyStore(name)
      return cassandra.open(config, context)
    },
  })

  registryConformance('cassandra', {
    patienceMs,
    async open(name) {
      await emptyRegistry(name)
      return cassandra.openRegistry(config, context)
    },
  })

  adapterConformance('cassandra', {
    list: join(src, 'stores/index.ts'),
    file: join(src, 'stores/cassandra/index.ts'),
    clients: ['cassandra-driver'],
    examples: [
      {
        contactPoints: ['10.0.0.1', '10.0.0.2:9042'],
        localDataCenter: 'dc1',
        keyspace: 'headwater',
        replication: { dc1: 3 },
        username: 'headwater',
        password: 'a secret',
        tls: { ca: '/etc/headwater/cassandra-ca.pem' },
        timeoutMs: '5s',
      },
      { contactPoints: ['127.0.0.1'], localDataCenter: 'datacenter1', replication: { datacenter1: 1 } },
    ],
    async openUnusable() {
      const place = '127.0.0.1:1'
      const unusable = cassandra.config.parse(settingsOf(server, keyspace, place))
      return { place, opened: cassandra.open(unusable, context) }
    },
    provision: async () => void (await provisioned(server, keyspace)),
    patienceMs: 10_000,
  })

  accessPromises(server, keyspace)

  rowPromises({
    server,
    keyspace,
    async open(name, other = false) {
      await emptyStore(name)
      // Under another name of the node, the puts of one process don't take turns.
      const contactPoints = [server.contactPoint.replace('127.0.0.1', 'localhost')]
      return cassandra.open(other ? { ...config, contactPoints } : config, context)
    },
    hotCount: Number(process.env['HEADWATER_HOT_COUNT'] ?? 5_000),
  })
}
