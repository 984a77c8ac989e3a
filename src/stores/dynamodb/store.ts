import { inParallel } from '../../lib/parallel.ts'
import type { Store, Stored } from '../store.ts'
import { openChanges } from './changes.ts'
import { checkStore } from './check.ts'
import { clustersIn } from './clusters.ts'
import type { Asking, Session } from './connect.ts'
import { openNotes } from './notes.ts'
import { openPut } from './put.ts'
import { decodeRow, getRows, type Layout } from './row.ts'
import { scanStore } from './scan.ts'

/** A store on tables that are there. It owns the session. */
export function createStore(session: Session, layout: Layout): Store {
  const note = openNotes(session)
  const put = openPut(session, layout, note, Date.now)
  const changes = openChanges(session, layout, note)

  async function get(keys: readonly string[], asking: Asking): Promise<ReadonlyMap<string, Stored>> {
    const items = await getRows(session, keys, asking)
    const rows = await inParallel(items, (item) => decodeRow(session, item, asking), session.concurrency)
    return new Map(rows.flatMap((row) => (row ? [[row.key, row]] : [])))
  }

  return {
    put: (arrivals, options = {}) => put(arrivals, options),
    get: (keys, options = {}) => get(keys, options),
    scan: (scan) => scanStore(session, layout, scan),
    amend: (key, revision, verdict, options = {}) => changes.amend(key, revision, verdict, options),
    erase: (keys, options = {}) => changes.erase(keys, options),
    clusters: (options = {}) => clustersIn(session, layout, options),
    check: (options = {}) => checkStore(session, layout, options),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}
