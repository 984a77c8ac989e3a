import { HeadwaterError } from '../../errors.ts'
import { type Environment, type Layout, type Opened, openLmdb } from '../../lib/lmdb.ts'
import { type Bell, createBell } from '../../lib/bell.ts'

/** How many partitions every topic has. Part of the format: keys are spread over them. */
export const PARTITIONS = 4

const FORMAT = 1

/** A place in the folder. Keys that begin alike lie together, in order. */
export type Key = (string | number)[]

/** A data folder, shared by everything in this process that opens it. Its content rings when this process wrote something. */
export type Folder = Opened<Key, Bell>

const layout: Layout<Key, Bell> = {
  keyEncoding: 'ordered-binary',
  async prepare(environment) {
    await checkFormat(environment)
    return createBell()
  },
}

/** Opens a folder, and makes it where it isn't there. The last to dispose of it closes it. */
export function openFolder(folder: string): Promise<Folder> {
  return openLmdb(folder, layout)
}

async function checkFormat({ root, path, transact }: Environment<Key>): Promise<void> {
  const key = ['format']
  const expected = JSON.stringify({ format: FORMAT, partitions: PARTITIONS })
  const write = (): string => {
    const written = root.getBinary(key)
    if (!written) void root.put(key, Buffer.from(expected))
    return written?.toString() ?? expected
  }
  const found = root.getBinary(key)?.toString() ?? (await transact(write))
  if (found === expected) return
  throw new HeadwaterError(
    'DATA_FORMAT',
    `The queue in ${path} has the format ${found.slice(0, 200)}, and this version reads only ${expected}. ` +
      'Open it with the version that wrote it, read it empty there, and then give the queue a new folder.',
  )
}
