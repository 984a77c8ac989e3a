import type { Context } from '../../adapter.ts'
import type { StoreAdapter } from '../store.ts'
import { type Config, config } from './config.ts'
import { connect, type Session } from './connect.ts'
import { readFormat } from './notes.ts'
import { provision } from './provision.ts'
import { createRegistry } from './registry.ts'
import { createStore } from './store.ts'
import { checkTables, KINDS } from './tables.ts'
import { atOpening } from './translate.ts'

/** Keeps records and registry in three tables of Amazon DynamoDB. */
const dynamodb: StoreAdapter<Config> = {
  config,
  provision: (given, context) =>
    opened(given, async (session) => {
      await using _ = session
      await provision(session, given, context)
    }),
  open: (given, context) =>
    opened(given, async (session) => {
      const { shards } = await check(session, KINDS, context)
      return createStore(session, { shards, expireAfterMs: given.expireAfterMs })
    }),
  openRegistry: (given, context) =>
    opened(given, async (session) => {
      await check(session, ['parts', 'registry'], context)
      return createRegistry(session)
    }),
}

export default dynamodb

async function check(session: Session, kinds: typeof KINDS, { signal }: Context) {
  await checkTables(session, kinds, { signal })
  return readFormat(session, { signal })
}

async function opened<T>(given: Config, open: (session: Session) => Promise<T>): Promise<T> {
  const session = await connect(given)
  try {
    return await open(session)
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw atOpening(error)
  }
}
