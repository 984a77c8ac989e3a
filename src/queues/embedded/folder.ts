import { mkdir, realpath } from 'node:fs/promises'
import { HeadwaterError } from '../../errors.ts'
import { type Bell, createBell } from './bell.ts'
import { type Environment, openEnvironment } from './environment.ts'

/** How many partitions every topic has. Part of the format: keys are spread over them. */
export const PARTITIONS = 4

const FORMAT = 1

/** A data folder, shared by everything in this process that opens it. */
export interface Folder extends AsyncDisposable {
  readonly path: string
  readonly environment: Environment
  /** Rings when this process wrote something that a reader may wait for. */
  readonly bell: Bell
}

interface Shared {
  uses: number
  readonly opened: Promise<{ readonly environment: Environment; readonly bell: Bell }>
  /** Set when nobody uses it any more; who wants it then waits for this and opens it anew. */
  closed?: Promise<void>
}

const folders = new Map<string, Shared>()

/** Opens a folder, and makes it where it isn't there. The last to dispose of it closes it. */
export async function openFolder(dir: string): Promise<Folder> {
  const path = await makeFolder(dir)
  const folder = await share(path)
  let left: Promise<void> | undefined
  const leave = () => (left ??= release(path, folder))
  try {
    const { environment, bell } = await folder.opened
    return { path, environment, bell, [Symbol.asyncDispose]: leave }
  } catch (error) {
    await leave()
    throw error
  }
}

async function makeFolder(dir: string): Promise<string> {
  try {
    await mkdir(dir, { recursive: true })
    return await realpath(dir)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new HeadwaterError('FOLDER_UNUSABLE', `The folder ${dir} can not be made: ${reason}`, {
      cause: error,
    })
  }
}

async function share(path: string): Promise<Shared> {
  for (let folder = folders.get(path); folder; folder = folders.get(path)) {
    if (!folder.closed) {
      folder.uses++
      return folder
    }
    await folder.closed
  }
  const folder: Shared = { uses: 1, opened: open(path) }
  folders.set(path, folder)
  return folder
}

async function release(path: string, folder: Shared): Promise<void> {
  folder.uses--
  if (folder.uses > 0) return
  folder.closed = folder.opened
    .then(({ environment }) => environment.close())
    .catch(() => {})
    .finally(() => folders.delete(path))
  await folder.closed
}

async function open(path: string) {
  const environment = openEnvironment(path)
  try {
    await checkFormat(environment, path)
    return { environment, bell: createBell() }
  } catch (error) {
    await environment.close()
    throw error
  }
}

async function checkFormat(environment: Environment, path: string): Promise<void> {
  const key = ['format']
  const expected = JSON.stringify({ format: FORMAT, partitions: PARTITIONS })
  const write = () => {
    const written = environment.get(key)
    if (!written) environment.put(key, Buffer.from(expected))
    return written?.toString() ?? expected
  }
  const found = environment.get(key)?.toString() ?? (await environment.transact(write))
  if (found === expected) return
  throw new HeadwaterError(
    'DATA_FORMAT',
    `The queue in ${path} has the format ${found.slice(0, 200)}, and this version reads only ${expected}. ` +
      'Open it with the version that wrote it, read it empty there, and then give the queue a new folder.',
  )
}
