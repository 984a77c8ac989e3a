import { setImmediate as turn } from 'node:timers/promises'
import { open } from 'lmdb'
import { HeadwaterError, TransientError } from '../../errors.ts'

/** A place in the folder. Keys that begin alike lie together, in order. */
export type Key = (string | number)[]

export interface KeyRange {
  /** Included, unless the range is read backwards. */
  readonly start: Key
  /** Not included. */
  readonly end: Key
  readonly limit: number
  readonly reverse?: boolean
}

/** An LMDB environment: bytes under keys, read from a snapshot of the moment, written in transactions. */
export interface Environment {
  /** A copy that is the caller's own. */
  get(key: Key): Buffer | undefined
  keys(range: KeyRange): Key[]
  /** Only inside `transact`, like `remove`. */
  put(key: Key, value: Buffer): void
  remove(key: Key): void
  /**
   * Runs `work` in one transaction and resolves when it is synced to disk; where `work` throws, nothing was written.
   * Transactions run in the order in which they were asked for; those that wait are synced together.
   */
  transact<T>(work: () => T): Promise<T>
  /** Waits for what is being written. */
  close(): Promise<void>
}

/** Opens the environment in a folder that exists. Several processes may have it open. */
export function openEnvironment(path: string): Environment {
  const db = openDatabase(path)
  const running = new Set<Promise<unknown>>()

  async function commit<T>(work: () => T): Promise<T> {
    try {
      return await db.childTransaction(work)
    } catch (error) {
      throw await translate(error, path)
    }
  }

  return {
    get: (key) => db.getBinary(key),
    keys: (range) => [...db.getKeys(range)],
    put(key, value) {
      void db.put(key, value)
    },
    remove(key) {
      void db.remove(key)
    },
    transact(work) {
      const committed = commit(work)
      const done = () => running.delete(committed)
      running.add(committed)
      committed.then(done, done)
      return committed
    },
    async close() {
      // a database that is closed fails the transactions that still wait
      await Promise.allSettled(running)
      await db.close()
    },
  }
}

function openDatabase(path: string) {
  try {
    return open<Buffer, Key>({
      path,
      encoding: 'binary',
      noSubdir: false,
      maxReaders: 1_000,
      noMemInit: true,
      // durable means synced: without this a transaction is visible before it is safe
      overlappingSync: false,
      // with it a commit that fails leaves a rejected promise that nobody can handle
      eventTurnBatching: false,
    })
  } catch (error) {
    throw new HeadwaterError('FOLDER_UNUSABLE', `The folder ${path} can not be opened: ${textOf(error)}`, {
      cause: error,
    })
  }
}

/** EIO, EFBIG, ENOSPC and EDQUOT, which is what a short write and a full disk look like, and LMDB's full map. */
const FULL: ReadonlySet<unknown> = new Set([5, 27, 28, 122, -30_792])

async function translate(error: unknown, path: string): Promise<unknown> {
  const cause = await commitErrorOf(error)
  if (cause === undefined && !FULL.has(codeOf(error))) return error
  const reason = textOf(cause ?? error)
  return new TransientError('DISK_FULL', `${path} could not be written: ${reason}. Is its disk full?`, {
    cause: error,
  })
}

/** Why a commit failed. It is told a moment later, and must be heard or it ends the process as an unhandled rejection. */
async function commitErrorOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error && error.commitError instanceof Promise))
    return undefined
  const told = error.commitError.catch((reason: unknown) => reason)
  return Promise.race([told, turn(error)])
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
