import type { Context } from '../../adapter.ts'
import type { StoreAdapter } from '../store.ts'
import { provisionCollections, requireCollections } from './collections.ts'
import { type Config, config } from './config.ts'
import { connect, type Session } from './connect.ts'
import { openRegistry } from './registry.ts'
import { openStore } from './store.ts'

/** Keeps records and registry in collections of a MongoDB, as documents that people can query. */
const mongodb: StoreAdapter<Config> = {
  config,
  open: async (given, context) => openStore(await openSession(given, context), given.prefix),
  openRegistry: async (given, context) => openRegistry(await openSession(given, context), given.prefix),
  async provision(given, context) {
    await using session = await connect(given, context)
    await provisionCollections(session, given.prefix, context)
  },
}

async function openSession(given: Config, context: Context): Promise<Session> {
  const session = await connect(given, context)
  try {
    await requireCollections(session, given.prefix, context)
    return session
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

export default mongodb
