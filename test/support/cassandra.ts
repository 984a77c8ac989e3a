import { Client } from 'cassandra-driver'
import type { Context } from '../../src/adapter.ts'
import cassandra from '../../src/stores/cassandra/index.ts'
import { silent } from './queue-context.ts'
import type { CassandraServer } from './servers/cassandra.ts'

export const context: Context = {
  logger: silent,
  signal: new AbortController().signal,
  dataDir: '.',
}

/** What reaches a keyspace of a server of tests. */
export function settingsOf(server: CassandraServer, keyspace: string, contactPoint = server.contactPoint) {
  const { dataCenter, username, password } = server
  return {
    contactPoints: [contactPoint],
    localDataCenter: dataCenter,
    keyspace,
    replication: { [dataCenter]: 1 },
    username,
    password,
  }
}

/** Makes a keyspace with all tables. */
export async function provisioned(server: CassandraServer, keyspace: string) {
  const config = cassandra.config.parse(settingsOf(server, keyspace))
  await cassandra.provision?.(config, context)
  return config
}

/** The vendor's client, as a person would use it. */
export async function clientOf(server: CassandraServer, keyspace?: string): Promise<Client> {
  const { contactPoint, dataCenter, username, password } = server
  const client = new Client({
    contactPoints: [contactPoint],
    localDataCenter: dataCenter,
    credentials: { username, password },
    ...(keyspace !== undefined && { keyspace }),
  })
  await client.connect()
  return client
}
