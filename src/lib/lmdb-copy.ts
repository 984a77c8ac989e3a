import { open as openFile, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Layout, openLmdb } from './lmdb.ts'
import { alone } from './presence.ts'

/** Nothing is read or written by it. */
const anything: Layout<Buffer, undefined> = { keyEncoding: 'binary', prepare: async () => undefined }

/**
 * Copies an environment as it is at one moment into a folder that is made for it, without its free pages, while others read
 * and write it. The copy is on disk when this resolves.
 */
export async function copyLmdb(folder: string, to: string): Promise<void> {
  await using environment = await openLmdb(folder, anything)
  await mkdir(to, { recursive: true })
  await environment.root.backup(to, true)
  await beginFreeList(to)
  for (const name of await readdir(to)) if (name !== 'data.mdb') await rm(join(to, name), { recursive: true })
  await sync(join(to, 'data.mdb'))
  await sync(to)
}

/**
 * Frees a page or two of a copy that has no free pages. Where the first write frees so many at once that their list takes
 * pages of its own, LMDB looks for a free page in the list that it is making, and ends the process (kriszyp/lmdb-js#317).
 */
async function beginFreeList(folder: string): Promise<void> {
  await using copy = await openLmdb(folder, anything)
  const key = Buffer.from('begin')
  await copy.transact(() => copy.root.putSync(key, key))
  await copy.transact(() => copy.root.removeSync(key))
}

/**
 * Writes an environment anew without its free pages, and puts that in its place in one step. Throws `CONFLICT` where
 * another process uses it, or may.
 */
export async function compactLmdb(folder: string): Promise<void> {
  using _ = alone(folder)
  const copy = join(folder, 'compacted')
  const remove = () => rm(copy, { recursive: true, force: true })
  await remove()
  try {
    await copyLmdb(folder, copy)
    await rename(join(copy, 'data.mdb'), join(folder, 'data.mdb'))
    await sync(folder)
  } finally {
    // Half a copy would fill the disk that had no room for a whole one.
    await remove()
  }
}

/** Makes sure that what was written to a file, or the names in a folder, are on disk. */
export async function sync(path: string): Promise<void> {
  await using handle = await openFile(path, 'r')
  await handle.sync()
}
