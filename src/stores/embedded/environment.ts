import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Database, open, type RootDatabase } from 'lmdb'
import { HeadwaterError, TransientError } from '../../errors.ts'

/** Bytes to bytes, in the order of the keys' bytes. */
export type Table = Database<Buffer, Buffer>

/**
 * One folder of tables, shared by everyone in this process who opened it. Several processes may use it at a time.
 *
 * Reads see one state of all tables until the code that reads next awaits.
 */
export interface Environment<Name extends string> extends AsyncDisposable {
  readonly folder: string
  readonly tables: Readonly<Record<Name, Table>>
  /** Lets the next reads see what other processes have written by now. */
  readonly refresh: () => void
  /**
   * Runs `action` with no other writer at work, and resolves once what it wrote is on disk. All of it is written, or
   * nothing: where it throws, and where the disk fails. `action` must not await.
   */
  readonly write: <T>(action: () => T) => Promise<T>
  /** Runs something that reads and writes; disposing waits for it, and nothing starts after that. */
  readonly during: <T>(operation: () => Promise<T>) => Promise<T>
}

const FORMAT = 1
const FORMAT_KEY = Buffer.from('format')

/** Opens a folder, which is made where it is absent. The table `meta` holds the format of the others. */
export async function openEnvironment<Name extends string>(
  path: string,
  names: readonly Name[],
): Promise<Environment<'meta' | Name>> {
  const folder = resolve(path)
  const use = useOf(folder, names)
  use.count++
  const operations = new Set<Promise<unknown>>()
  let closed: Promise<void> | undefined
  const { root, tables } = await use.opened.catch(async (error: unknown) => {
    await release(folder, use)
    throw error
  })

  async function close(): Promise<void> {
    await Promise.allSettled(operations)
    await release(folder, use)
  }

  return {
    folder,
    tables: tables as Record<'meta' | Name, Table>,
    refresh: () => root.resetReadTxn(),
    write: (action) => commit(root, folder, action),
    during: async (operation) => {
      if (closed) throw new Error(`${folder} was used after it had been closed`)
      const running = operation()
      operations.add(running)
      return running.finally(() => operations.delete(running))
    },
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }
}

interface Use {
  count: number
  readonly opened: Promise<Opened>
  closed?: Promise<void>
}

interface Opened {
  readonly root: RootDatabase<Buffer, Buffer>
  readonly tables: Readonly<Record<string, Table>>
}

/** The folders that are open, or are being closed, in this process: LMDB wants each opened once. */
const uses = new Map<string, Use>()

function useOf(folder: string, names: readonly string[]): Use {
  const known = uses.get(folder)
  if (known && known.count > 0) return known
  const free = known?.closed ?? Promise.resolve()
  const use: Use = { count: 0, opened: free.then(() => openTables(folder, names)) }
  uses.set(folder, use)
  return use
}

function release(folder: string, use: Use): Promise<void> {
  if (--use.count > 0) return Promise.resolve()
  use.closed = use.opened.then(
    ({ root }) => root.close(),
    () => {},
  )
  return use.closed.finally(() => {
    if (uses.get(folder) === use) uses.delete(folder)
  })
}

async function openTables(folder: string, names: readonly string[]): Promise<Opened> {
  const root = openRoot(folder)
  const meta: Table = root.openDB('meta', BYTES)
  const format = await commit(root, folder, () => formatOf(meta))
  if (format === FORMAT) {
    const others = names.filter((name) => name !== 'meta')
    const tables = Object.fromEntries(others.map((name) => [name, root.openDB(name, BYTES) as Table]))
    return { root, tables: { ...tables, meta } }
  }
  await root.close()
  throw new HeadwaterError(
    'DATA_FORMAT',
    `${folder} has the format ${String(format)}, this program reads ${FORMAT}: use the version of the program that ` +
      'wrote it, or name another data folder',
  )
}

/** What a folder says of itself; a new one is told. */
function formatOf(meta: Table): unknown {
  const written = meta.get(FORMAT_KEY)
  if (written) return (JSON.parse(written.toString()) as { format?: unknown }).format
  meta.putSync(FORMAT_KEY, Buffer.from(JSON.stringify({ format: FORMAT })))
  return FORMAT
}

const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const

function openRoot(folder: string): RootDatabase<Buffer, Buffer> {
  try {
    return open<Buffer, Buffer>(folder, {
      ...BYTES,
      noSubdir: false,
      maxDbs: 16,
      maxReaders: 512,
      // A write resolves after fdatasync, and nobody sees it before.
      overlappingSync: false,
      // Batching by turns makes a promise of its own that nobody holds: a full disk would then end the process.
      eventTurnBatching: false,
    })
  } catch (error) {
    throw new HeadwaterError(
      'FOLDER_UNUSABLE',
      `${folder} can't be used as a data folder: ${String(error)}`,
      {
        cause: error,
      },
    )
  }
}

/** A child transaction, because a plain one keeps what it wrote before its action threw. */
async function commit<T>(root: RootDatabase<Buffer, Buffer>, folder: string, action: () => T): Promise<T> {
  try {
    return await root.childTransaction(action)
  } catch (error) {
    throw await translate(error, folder)
  }
}

/** EIO, EFBIG, ENOSPC and EDQUOT, which is what a full disk looks like within a write, and LMDB's full map. */
const FULL: ReadonlySet<unknown> = new Set([5, 27, 28, 122, -30_792])

/** What a failed write means. Errors that are not the disk's stay what they are. */
async function translate(error: unknown, folder: string): Promise<unknown> {
  if (!(error instanceof Error)) return error
  const isFull = 'code' in error && FULL.has(error.code)
  if (!('commitError' in error) && !isFull) return error
  const cause = 'commitError' in error ? await reasonOf(error.commitError) : error
  return new TransientError(
    'DISK_FULL',
    `could not write in ${folder}, most likely because its disk is full (${String(cause)}); nothing was written`,
    { cause },
  )
}

/** The driver gives the reason as a promise that rejects, and might never do so. */
function reasonOf(commitError: unknown): Promise<unknown> {
  const reason = Promise.resolve(commitError).catch((error: unknown) => error)
  return Promise.race([reason, delay(1_000, 'the driver gave no reason', { ref: false })])
}
