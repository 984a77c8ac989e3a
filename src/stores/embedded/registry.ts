import type { Cancellable } from '../../batch.ts'
import { checkName } from '../name.ts'
import type { Entry, Registry } from '../registry.ts'
import { openEnvironment, tablesOf } from './environment.ts'
import { pagesOf } from './paging.ts'

const layout = tablesOf(['entries'], [1])
/** A page of a list is held in memory, and values may be large. */
const LIST_PAGE = 16
const REVISION_BYTES = 6
const LAST_REVISION = Buffer.from('revision')

/**
 * Opens the registry in a folder, which is made where it is absent. Revisions count for all names together, so that one
 * that was seen on an entry is never seen again on another that took its name.
 */
export async function openRegistry(folder: string): Promise<Registry> {
  const environment = await openEnvironment(folder, layout)
  const { during, refresh, write } = environment
  const { meta, entries } = environment.tables

  function read(key: Buffer): Omit<Entry, 'name'> | undefined {
    const written = entries.get(key)
    return written && decode(written)
  }

  function nextRevision(): Buffer {
    const last = meta.get(LAST_REVISION)?.readUIntBE(0, REVISION_BYTES) ?? 0
    const next = Buffer.alloc(REVISION_BYTES)
    next.writeUIntBE(last + 1, 0, REVISION_BYTES)
    meta.putSync(LAST_REVISION, next)
    return next
  }

  /** Makes a change while the entry has this revision, 0 meaning that there is none. */
  function whileAt(
    name: string,
    revision: number,
    change: (key: Buffer) => unknown,
    { signal }: Cancellable,
  ) {
    return during(async () => {
      const key = encodeName(name)
      signal?.throwIfAborted()
      return write(() => {
        if ((read(key)?.revision ?? 0) !== revision) return false
        change(key)
        return true
      })
    })
  }

  async function* list(prefix: string, { signal }: Cancellable = {}): AsyncGenerator<Entry> {
    refresh()
    const start = Buffer.from(prefix)
    for await (const page of pagesOf(entries, LIST_PAGE, start.length > 0 ? start : undefined)) {
      for (const { key, value } of page) {
        signal?.throwIfAborted()
        if (!key.subarray(0, start.length).equals(start)) return
        yield { name: key.toString(), ...decode(value) }
      }
    }
  }

  return {
    get: (name, { signal } = {}) => {
      return during(async () => {
        signal?.throwIfAborted()
        refresh()
        const entry = read(encodeName(name))
        return entry && { name, ...entry }
      })
    },
    compareAndSet: (name, revision, value, options = {}) => {
      const set = (key: Buffer): void => entries.putSync(key, Buffer.concat([nextRevision(), value]))
      return whileAt(name, revision, set, options)
    },
    list,
    remove: (name, revision, options = {}) => {
      if (revision === 0) return Promise.resolve(false)
      const clear = (key: Buffer): boolean => entries.removeSync(key)
      return whileAt(name, revision, clear, options)
    },
    [Symbol.asyncDispose]: () => environment[Symbol.asyncDispose](),
  }
}

function encodeName(name: string): Buffer {
  checkName(name)
  return Buffer.from(name)
}

function decode(written: Buffer): Omit<Entry, 'name'> {
  return { revision: written.readUIntBE(0, REVISION_BYTES), value: written.subarray(REVISION_BYTES) }
}
