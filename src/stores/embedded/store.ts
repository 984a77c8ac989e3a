import type { Store, Stored } from '../store.ts'
import { openChanges } from './changes.ts'
import { checkStore } from './check.ts'
import { clustersIn } from './clusters.ts'
import { openEnvironment } from './environment.ts'
import { openRows } from './rows.ts'
import { scanStore } from './scan.ts'
import { layout, numberOf, readState, type StoreEnvironment } from './tables.ts'
import { openWriter } from './writer.ts'

/** Opens the store in a folder, which is made where it is absent. */
export async function openStore(folder: string): Promise<Store> {
  const environment: StoreEnvironment = await openEnvironment(folder, layout)
  const { tables, during, refresh } = environment
  const rows = openRows(environment)
  const writer = openWriter(environment, Date.now)
  const changes = openChanges(environment, rows)

  async function get(keys: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, Stored>> {
    refresh()
    const numbers = new Set(keys.flatMap((key) => numberOf(tables, key) ?? []))
    const found = new Map<string, Stored>()
    for (const number of [...numbers].toSorted((a, b) => a - b)) {
      signal?.throwIfAborted()
      const record = await rows.read(number)
      if (record) found.set(record.key, record)
    }
    return found
  }

  return {
    put: (arrivals, { signal } = {}) => {
      return during(async () => {
        signal?.throwIfAborted()
        return writer.put(arrivals, signal)
      })
    },
    get: (keys, { signal } = {}) => during(() => get(keys, signal)),
    scan: (scan) => scanStore(environment, rows, scan),
    amend: (key, revision, verdict, { signal } = {}) => {
      return during(async () => {
        signal?.throwIfAborted()
        return changes.amend(key, revision, verdict)
      })
    },
    erase: (keys, { signal } = {}) => during(() => changes.erase(keys, signal)),
    clusters: ({ signal } = {}) => clustersIn(environment, rows, signal),
    async deadLetterBytes() {
      refresh()
      return readState(tables).deadLetterBytes
    },
    check: ({ signal } = {}) => checkStore(environment, rows, signal),
    [Symbol.asyncDispose]: () => environment[Symbol.asyncDispose](),
  }
}
