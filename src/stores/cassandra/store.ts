import type { Context } from '../../adapter.ts'
import type { Store, Stored } from '../store.ts'
import { openChanges } from './changes.ts'
import { checkStore } from './check.ts'
import { clustersIn } from './clusters.ts'
import type { Config } from './config.ts'
import { connect, placeOf } from './connect.ts'
import { inParallel } from '../../lib/parallel.ts'
import { openPointers } from './pointers.ts'
import { checkAccess, checkTables, warnOfWeakness } from './provision.ts'
import { openPut } from './put.ts'
import { openRows } from './rows.ts'
import { scanStore } from './scan.ts'
import { STORE_TABLES } from './tables.ts'
import { createTurns, turnsAt } from './turns.ts'

/** Opens the store in its keyspace, which `provision` has made. */
export async function openStore(config: Config, context: Context): Promise<Store> {
  const session = await connect(config, context, config.keyspace)
  try {
    await checkTables(session, config, STORE_TABLES)
    await checkAccess(session, 'reviews')
    await warnOfWeakness(session, config, context.logger)
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
  const rows = openRows(session)
  const pointers = openPointers(session)
  const put = openPut(session, rows, pointers, Date.now)
  const changes = openChanges(session, rows, pointers)
  const putInTurn = turnsAt(placeOf(config))
  const changeInTurn = createTurns()
  /** Another process, or a call that failed, may have left erasures that were cut off. */
  let mayBeUnfinished = true

  return {
    put: (arrivals, options = {}) => {
      const keys = arrivals.map(({ key }) => key)
      return putInTurn(keys, () => put(arrivals, options))
    },
    async get(keys, options) {
      const found = await inParallel([...new Set(keys)], (key) => rows.read(key, options))
      return new Map(found.flatMap((record): [string, Stored][] => (record ? [[record.key, record]] : [])))
    },
    scan: (scan) => scanStore(session, rows, scan),
    amend: (key, revision, verdict, options = {}) =>
      changeInTurn([key], () => changes.amend(key, revision, verdict, options)),
    async erase(keys, options = {}) {
      if (mayBeUnfinished) await changes.finishErasures(options)
      mayBeUnfinished = false
      try {
        await inParallel([...new Set(keys)], (key) => changeInTurn([key], () => changes.erase(key, options)))
      } catch (error) {
        mayBeUnfinished = true
        throw error
      }
    },
    clusters: (options = {}) => clustersIn(session, rows, options),
    check: (options = {}) => checkStore(session, rows, pointers, options),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}
