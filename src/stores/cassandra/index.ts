import type { StoreAdapter } from '../store.ts'
import { type Config, config } from './config.ts'
import { connect } from './connect.ts'
import { provisionTables } from './provision.ts'
import { openRegistry } from './registry.ts'
import { openStore } from './store.ts'

/** Keeps records and registry in a keyspace of Apache Cassandra. */
const cassandra: StoreAdapter<Config> = {
  config,
  open: openStore,
  openRegistry,
  async provision(given, context) {
    await using session = await connect(given, context)
    await provisionTables(session, given, context.logger)
  },
}

export default cassandra
