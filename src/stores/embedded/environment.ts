import { join } from 'node:path'
import type { Database } from 'lmdb'
import { HeadwaterError } from '../../errors.ts'
import { faultIn } from '../../lib/lmdb-file.ts'
import { type Layout, openLmdb } from '../../lib/lmdb.ts'

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
  /** What is wrong with the file itself, as a sentence; undefined where nothing is. Looks at all that leads to rows. */
  readonly fault: () => string | undefined
  /** Runs something that reads and writes; disposing waits for it, and nothing starts after that. */
  readonly during: <T>(operation: () => Promise<T>) => Promise<T>
}

/** What a folder holds. The table `meta` holds the format of the others. */
export type Tables<Name extends string> = Layout<Buffer, Readonly<Record<'meta' | Name, Table>>>

const FORMAT_KEY = Buffer.from('format')
const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const

/** The layout of a folder with these tables. It is written in the first of the formats; those behind it are read as well. */
export function tablesOf<Name extends string>(
  names: readonly Name[],
  formats: readonly [number, ...number[]],
): Tables<Name> {
  return {
    keyEncoding: 'binary',
    async prepare({ root, path, transact }) {
      const meta: Table = root.openDB('meta', BYTES)
      const format = await transact(() => formatOf(meta, formats))
      if (format !== formats[0]) throw unknownFormat(path, format, formats)
      const others = names.map((name) => [name, root.openDB(name, BYTES) as Table])
      return { ...Object.fromEntries(others), meta } as Record<'meta' | Name, Table>
    },
  }
}

/** Opens a folder, which is made where it is absent. */
export async function openEnvironment<Name extends string>(
  path: string,
  layout: Tables<Name>,
): Promise<Environment<'meta' | Name>> {
  const opened = await openLmdb(path, layout)
  const operations = new Set<Promise<unknown>>()
  let closed: Promise<void> | undefined

  async function close(): Promise<void> {
    await Promise.allSettled(operations)
    await opened[Symbol.asyncDispose]()
  }

  return {
    folder: opened.path,
    tables: opened.content,
    refresh: () => opened.root.resetReadTxn(),
    write: (action) => opened.transact(action),
    fault() {
      // What is being read is not written over, so that others may write meanwhile.
      const reading = opened.root.useReadTransaction()
      const found = faultIn(join(opened.path, 'data.mdb'), 'all')
      reading.done()
      return found
    },
    during: async (operation) => {
      if (closed) throw new Error(`${opened.path} was used after it had been closed`)
      const running = operation()
      operations.add(running)
      return running.finally(() => operations.delete(running))
    },
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }
}

/** What a folder says of itself; one that is new, or in a format that is read as well, has the first of them from here on. */
function formatOf(meta: Table, [format, ...older]: readonly [number, ...number[]]): unknown {
  const written = meta.get(FORMAT_KEY)
  const found: unknown = written && (JSON.parse(written.toString()) as { format?: unknown }).format
  if (written && !older.some((one) => one === found)) return found
  meta.putSync(FORMAT_KEY, Buffer.from(JSON.stringify({ format })))
  return format
}

function unknownFormat(path: string, format: unknown, formats: readonly number[]): HeadwaterError {
  const known = formats.toReversed().join(' and ')
  return new HeadwaterError(
    'DATA_FORMAT',
    `${path} has the format ${String(format)}, this program reads ${known}: use the version of the program that ` +
      'wrote it, or name another data folder',
  )
}
