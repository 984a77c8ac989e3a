import { after, describe, test } from 'node:test'
import cassandra from '../../src/stores/cassandra/index.ts'
import { REGISTRY_TABLES, STORE_TABLES } from '../../src/stores/cassandra/tables.ts'
import { clientOf, context, provisioned } from '../support/cassandra.ts'
import { cassandraServer } from '../support/servers/cassandra.ts'
import { registryConformance } from './registry.ts'
import { storeConformance } from './store.ts'

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
    patienceMs: 180_000,
    async open(name) {
      await emptyStore(name)
      return cassandra.open(config, context)
    },
  })

  registryConformance('cassandra', {
    patienceMs: 180_000,
    async open(name) {
      await emptyRegistry(name)
      return cassandra.openRegistry(config, context)
    },
  })
}
