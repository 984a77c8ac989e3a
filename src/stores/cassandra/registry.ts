import { randomInt } from 'node:crypto'
import type { Context } from '../../adapter.ts'
import type { Cancellable } from '../../batch.ts'
import { checkName } from '../name.ts'
import type { Entry, Registry } from '../registry.ts'
import type { Config } from './config.ts'
import { connect, type Options, type Row, type Session } from './connect.ts'
import { inParallel } from '../../lib/parallel.ts'
import { checkAccess, checkTables } from './provision.ts'
import { REGISTRY_TABLES } from './tables.ts'
import { createTurns } from './turns.ts'
import { decided } from './uncertain.ts'
import { namesFrom, shardOfName } from './names.ts'

/** A page of a list is held in memory, and values may be large. */
const LIST_PAGE = 16
const MOST_REVISION = 2 ** 48 - 1

/**
 * Opens the registry in its keyspace, which `provision` has made. Every change is a lightweight transaction. A revision is a random
 * number: it is never seen again, also not on another entry that took the name.
 */
export async function openRegistry(config: Config, context: Context): Promise<Registry> {
  const session = await connect(config, context, config.keyspace)
  try {
    await checkTables(session, config, REGISTRY_TABLES)
    await checkAccess(session, 'registry')
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
  const inTurn = createTurns()

  async function read(name: string, options: Options): Promise<Entry | undefined> {
    const query = 'SELECT value, revision FROM registry WHERE name = ?'
    return entryOf(name, await session.run(query, [name], options))
  }

  async function compareAndSet(name: string, revision: number, value: Uint8Array, options: Options) {
    const next = randomInt(1, MOST_REVISION)
    const look = async () => {
      const present = (await read(name, { ...options, serial: true }))?.revision ?? 0
      if (present === next) return 'applied'
      return present === revision ? 'undecided' : 'unknown'
    }
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    if (revision !== 0) {
      const query = 'UPDATE registry SET value = ?, revision = ? WHERE name = ? IF revision = ?'
      return decided(session, { query, params: [bytes, BigInt(next), name, BigInt(revision)], look, options })
    }
    const query = 'INSERT INTO registry (name, value, revision) VALUES (?, ?, ?) IF NOT EXISTS'
    await listName(session, name, options)
    const isSet = await decided(session, { query, params: [name, bytes, BigInt(next)], look, options })
    // Somebody may have set and removed it since it was listed, and its listing with it.
    if (isSet) await listName(session, name, options)
    return isSet
  }

  async function remove(name: string, revision: number, options: Options): Promise<boolean> {
    const at = await session.now(options)
    const isRemoved = await decided(session, {
      query: 'DELETE FROM registry WHERE name = ? IF revision = ?',
      params: [name, BigInt(revision)],
      look: async () =>
        (await read(name, { ...options, serial: true }))?.revision === revision ? 'undecided' : 'unknown',
      options,
    })
    if (isRemoved)
      await session.run(
        'DELETE FROM registry_names USING TIMESTAMP ? WHERE shard = ? AND name = ?',
        [at, shardOfName(name), name],
        options,
      )
    return isRemoved
  }

  async function* list(prefix: string, { signal }: Cancellable = {}): AsyncGenerator<Entry> {
    signal?.throwIfAborted()
    for await (const names of namesFrom(session, prefix, LIST_PAGE, { signal })) {
      for (const entry of await inParallel(names, (name) => read(name, { signal }))) if (entry) yield entry
      signal?.throwIfAborted()
    }
  }

  return {
    async get(name, options = {}) {
      checkName(name)
      return read(name, { ...options, serial: true })
    },
    async compareAndSet(name, revision, value, options = {}) {
      checkName(name)
      return inTurn([name], () => compareAndSet(name, revision, value, options))
    },
    list,
    async remove(name, revision, options = {}) {
      checkName(name)
      return revision !== 0 && inTurn([name], () => remove(name, revision, options))
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

async function listName(session: Session, name: string, options: Options): Promise<void> {
  const query = 'INSERT INTO registry_names (shard, name) VALUES (?, ?)'
  await session.run(query, [shardOfName(name), name], options)
}

function entryOf(name: string, [row]: readonly Row[]): Entry | undefined {
  if (!row) return undefined
  return { name, value: row['value'] as Buffer, revision: Number(row['revision']) }
}
