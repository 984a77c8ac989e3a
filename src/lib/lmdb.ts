import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Key, open, type RootDatabase } from 'lmdb'
import { HeadwaterError } from '../errors.ts'
import { diskFull, FULL } from './disk-full.ts'
import { faultIn } from './lmdb-file.ts'
import { enter, type Presence } from './presence.ts'

/** An LMDB environment in a folder. Several processes may have it open at a time. */
export interface Environment<K extends Key> {
  /** The folder, without links in its path. */
  readonly path: string
  /** For reading, and for writing inside `transact`. */
  readonly root: RootDatabase<Buffer, K>
  /**
   * Runs `work` with no other writer at it, and resolves once what it wrote is synced to disk. All of it is written, or
   * nothing: where `work` throws, and where the disk fails. `work` must not await. Those that wait are synced together.
   */
  readonly transact: <T>(work: () => T) => Promise<T>
}

/** What is kept in an environment. One object stands for one layout, whatever folder it is used for. */
export interface Layout<K extends Key, Content> {
  readonly keyEncoding: 'binary' | 'ordered-binary'
  /** Looks at what is there, or begins it, once for all who share the environment. */
  readonly prepare: (environment: Environment<K>) => Promise<Content>
}

/** An environment and what its layout made of it. Disposing of it closes it, if nobody else in this process has it. */
export interface Opened<K extends Key, Content> extends Environment<K>, AsyncDisposable {
  readonly content: Content
}

interface Shared<Opening = { close(): Promise<void> }> {
  uses: number
  readonly opened: Promise<Opening>
  /** Set when nobody uses it any more; who wants it then waits for this and opens it anew. */
  closed?: Promise<void>
}

/** LMDB wants each folder opened once in a process. */
const folders = new Map<string, Shared>()

/**
 * Opens a folder, and makes it where it isn't there. Throws `FOLDER_UNUSABLE`; `DATA_CORRUPT` where the file is not what
 * LMDB left there; and what the layout throws.
 */
export async function openLmdb<K extends Key, Content>(
  folder: string,
  layout: Layout<K, Content>,
): Promise<Opened<K, Content>> {
  const path = await makeFolder(folder)
  const shared = await share(path, layout)
  let left: Promise<void> | undefined
  const leave = (): Promise<void> => (left ??= release(path, shared))
  try {
    const { environment, content } = await shared.opened
    return { ...environment, content, [Symbol.asyncDispose]: leave }
  } catch (error) {
    await leave()
    throw error
  }
}

async function makeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true })
    return await realpath(folder)
  } catch (error) {
    throw unusable(folder, error)
  }
}

async function share<K extends Key, Content>(path: string, layout: Layout<K, Content>) {
  for (let known = folders.get(path); known; known = folders.get(path)) {
    if (!known.closed) {
      known.uses++
      // A folder has one layout, as long as nobody names one folder for two things.
      return known as Shared<Awaited<ReturnType<typeof openAlone<K, Content>>>>
    }
    await known.closed
  }
  const shared = { uses: 1, opened: openAlone(path, layout) }
  folders.set(path, shared)
  return shared
}

async function release(path: string, shared: Shared): Promise<void> {
  shared.uses--
  if (shared.uses > 0) return
  shared.closed = shared.opened
    .then((opened) => opened.close())
    .catch(() => {})
    .finally(() => folders.delete(path))
  await shared.closed
}

async function openAlone<K extends Key, Content>(path: string, { keyEncoding, prepare }: Layout<K, Content>) {
  const presence = enter(path)
  let root: RootDatabase<Buffer, K> | undefined
  const running = new Set<Promise<unknown>>()

  async function close(): Promise<void> {
    // An environment that is closed fails the transactions that still wait.
    await Promise.allSettled(running)
    await root?.close()
    presence.leave()
  }

  try {
    if (presence.owner !== undefined) throw unusable(path, presence.owner)
    refuseDamage(path, presence)
    root = openRoot<K>(path, keyEncoding)
    const environment: Environment<K> = { path, root, transact: createTransact(root, path, running) }
    return { environment, content: await prepare(environment), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Where somebody ended without closing it, everything is looked at: a process that met damage may have ended by it. */
function refuseDamage(path: string, presence: Presence): void {
  const isSuspect = presence.othersMayHaveDied && !presence.isShared
  const fault = faultIn(join(path, 'data.mdb'), isSuspect ? 'all' : 'head')
  if (fault === undefined) {
    if (isSuspect) presence.foundWhole()
    return
  }
  throw new HeadwaterError(
    'DATA_CORRUPT',
    `${join(path, 'data.mdb')}: ${fault}. Keep a copy of the folder, check the disk, and restore a backup; ` +
      'docs/operations.md says how to go on without one',
  )
}

function openRoot<K extends Key>(
  path: string,
  keyEncoding: 'binary' | 'ordered-binary',
): RootDatabase<Buffer, K> {
  try {
    return open<Buffer, K>({
      path,
      encoding: 'binary',
      keyEncoding,
      noSubdir: false,
      maxDbs: 16,
      maxReaders: 1_000,
      // Durable means synced: without this a transaction is visible before it is safe.
      overlappingSync: false,
      // Batching by turns makes a promise of its own that nobody holds: a full disk would then end the process.
      eventTurnBatching: false,
    })
  } catch (error) {
    throw unusable(path, error)
  }
}

function createTransact(
  root: Pick<RootDatabase, 'childTransaction'>,
  path: string,
  running: Set<Promise<unknown>>,
) {
  /** A child transaction, because a plain one keeps what it wrote before its work threw. */
  async function commit<T>(work: () => T): Promise<T> {
    try {
      return await root.childTransaction(work)
    } catch (error) {
      throw await translate(error, path)
    }
  }

  return function transact<T>(work: () => T): Promise<T> {
    const committed = commit(work)
    const done = (): boolean => running.delete(committed)
    running.add(committed)
    committed.then(done, done)
    return committed
  }
}

const MAP_FULL = -30_792
const NO_ROOM: ReadonlySet<unknown> = new Set([...FULL, MAP_FULL])
/** Pages that are not there, or not what they should be. */
const DAMAGED: ReadonlySet<unknown> = new Set([-30_797, -30_796, -30_793])

/** What a failed write means. Errors that are not the disk's stay what they are. */
async function translate(error: unknown, path: string): Promise<unknown> {
  if (!(error instanceof Error)) return error
  const code = 'code' in error ? error.code : undefined
  if (DAMAGED.has(code)) {
    const message = `${join(path, 'data.mdb')}: ${error.message}. Check the disk and restore a backup`
    return new HeadwaterError('DATA_CORRUPT', message, { cause: error })
  }
  if (!('commitError' in error) && !NO_ROOM.has(code)) return error
  const cause = 'commitError' in error ? await reasonOf(error.commitError) : error
  return diskFull(path, cause)
}

/** The driver gives the reason as a promise that rejects, and might never do so; it must be heard, or it ends the process. */
function reasonOf(commitError: unknown): Promise<unknown> {
  const reason = Promise.resolve(commitError).catch((error: unknown) => error)
  return Promise.race([reason, delay(1_000, 'the driver gave no reason', { ref: false })])
}

function unusable(folder: string, cause: unknown): HeadwaterError {
  const message = `${folder} can't be used as a data folder: ${textOf(cause)}`
  return new HeadwaterError('FOLDER_UNUSABLE', message, { cause })
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
