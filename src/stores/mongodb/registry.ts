import type { Collection } from 'mongodb'
import type { Cancellable } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import { checkName } from '../name.ts'
import type { Entry, Registry } from '../registry.ts'
import { collectionsIn, COUNTER, onePage, type RegistryRow } from './collections.ts'
import type { Session } from './connect.ts'
import { isDuplicate } from './write-errors.ts'

const LIST_PAGE = 1_000
/** So many revisions a process takes at once, and hands out one by one; what it has left when it ends is never used. */
const REVISIONS = 1_000

/** The registry behind a session, which it closes. A name has a document, whose `_id` it is. */
export function openRegistry(session: Session, prefix: string): Registry {
  const { ask } = session
  const { registry } = collectionsIn(session.db, prefix)
  const nextRevision = revisionsOf(session, registry)
  // A majority alone may be read from a primary that was deposed a moment ago and does not know it yet.
  const readConcern = { level: session.isAlone ? 'majority' : 'linearizable' } as const

  async function* list(start: string, options: Cancellable = {}): AsyncGenerator<Entry> {
    for (let from: object = { $gte: start === '' ? '\0' : start }; ; ) {
      // One answer of the server is one page, and never more than 16 MiB.
      const page = { sort: { _id: 1 }, ...onePage(LIST_PAGE) } as const
      const found = await ask(() => registry.find({ _id: from }, page).toArray(), options)
      for (const row of found) {
        options.signal?.throwIfAborted()
        if (!row._id.startsWith(start)) return
        yield entryOf(row)
      }
      const last = found.at(-1)
      if (last === undefined) return
      from = { $gt: last._id }
    }
  }

  return {
    async get(name, options) {
      checkName(name)
      const row = await ask(() => registry.findOne({ _id: name }, { readConcern }), options)
      return row === null ? undefined : entryOf(row)
    },
    async compareAndSet(name, revision, value, options) {
      checkName(name)
      const next = { value: Buffer.from(value), revision: await nextRevision() }
      if (revision === 0) {
        return ask(() => registry.insertOne({ _id: name, ...next }).then(() => true, falseIfThere), options)
      }
      const change = () => registry.updateOne({ _id: name, revision }, { $set: next })
      return (await ask(change, options)).matchedCount === 1
    },
    list,
    async remove(name, revision, options) {
      checkName(name)
      const { deletedCount } = await ask(() => registry.deleteOne({ _id: name, revision }), options)
      return deletedCount === 1
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

/**
 * Revisions are taken for all names together, so that one that was seen on an entry is never seen again on another that took
 * its name.
 */
function revisionsOf({ ask }: Session, registry: Collection<RegistryRow>) {
  let next = 1
  let last = 0
  let taking: Promise<void> | undefined

  async function take(): Promise<void> {
    const more = { $inc: { revision: REVISIONS } }
    const counted = await ask(() =>
      registry.findOneAndUpdate({ _id: COUNTER }, more, { returnDocument: 'after' }),
    )
    if (counted === null) {
      throw new HeadwaterError(
        'TABLES_MISSING',
        `${registry.collectionName} has lost its counter of revisions: run \`headwater provision\``,
      )
    }
    next = counted.revision - REVISIONS + 1
    last = counted.revision
  }

  return async function nextRevision(): Promise<number> {
    while (next > last) {
      await (taking ??= take().finally(() => {
        taking = undefined
      }))
    }
    return next++
  }
}

function entryOf({ _id, value = Buffer.alloc(0), revision }: RegistryRow): Entry {
  return { name: _id, value, revision }
}

function falseIfThere(error: unknown): false {
  if (isDuplicate(error)) return false
  throw error
}
