import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Options, Session, Statement } from './connect.ts'
import { inGroupsOf, inParallel } from '../../lib/parallel.ts'
import { bucketOf, type Path, PATHS, shardOf } from './paths.ts'
import type { Places } from './row.ts'

/**
 * What points to rows, by time, product, review and cluster. Pointers are written before the row, and taken away after it has
 * changed: there may be one too many, which whoever follows it finds out, and never one too few.
 */
export interface Pointers {
  /** Resolves when all are durable. */
  add(places: readonly Places[], options?: Options): Promise<void>
  /** Takes away what `old` has and `kept` has not, as far as it was written before `at`, in microseconds. */
  remove(old: Places, kept: Places | undefined, at: bigint, options?: Options): Promise<void>
  /** Which of its pointers, or of the buckets that list them, are not there. */
  missing(places: Places, options?: Options): Promise<readonly string[]>
}

interface Pointer {
  readonly path: Path
  readonly name: string
  readonly bucket: string
  readonly receivedAt: Date
  readonly key: string
}

/** Rows of one partition are written together, so many at a time. */
const ROWS_TOGETHER = 100
/** Buckets that were listed by this session needn't be listed again. */
const REMEMBERED = 50_000

export function openPointers({ run, together }: Session): Pointers {
  const listed = new BoundedMap<string, true>(REMEMBERED)

  async function list(partitions: ReadonlyMap<string, Pointer>, options?: Options): Promise<void> {
    const missing = [...partitions].filter(([id, { path }]) => path.list && !listed.get(id))
    await inParallel(missing, async ([id, { path, name, bucket, key }]) => {
      if (!path.list) return
      await run(insertInto(path.list.table, path.list.columns), [name, bucket, shardOf(key)], options)
      listed.set(id, true)
    })
  }

  return {
    async add(places, options) {
      const groups = Map.groupBy(places.flatMap(pointersOf), partitionId)
      const firsts = [...groups].flatMap(([id, [first]]) => (first ? [[id, first] as const] : []))
      await list(new Map(firsts), options)
      const writes = [...groups.values()].flatMap((group) => [...inGroupsOf(ROWS_TOGETHER, group)])
      await inParallel(writes, (group) => together(group.map(insertion), options))
    },
    async remove(old, kept, at, options) {
      const left = new Set((kept ? pointersOf(kept) : []).map(idOf))
      const gone = pointersOf(old).filter((pointer) => !left.has(idOf(pointer)))
      await inParallel(gone, (pointer) => {
        const query = `DELETE FROM ${pointer.path.table} USING TIMESTAMP ? WHERE ${conditions(columnsOf(pointer.path))}`
        return run(query, [at, ...valuesOf(pointer)], options)
      })
    },
    async missing(places, options) {
      const looks = await inParallel(pointersOf(places), async (pointer) => {
        const { path, name, bucket, key } = pointer
        const select = (table: string, columns: readonly string[]): string =>
          `SELECT ${columns.at(-1)} FROM ${table} WHERE ${conditions(columns)}`
        const own = await run(select(path.table, columnsOf(path)), valuesOf(pointer), options)
        if (own.length === 0) return [path.table]
        if (!path.list) return []
        const values = [name, bucket, shardOf(key)]
        const listing = await run(select(path.list.table, path.list.columns), values, options)
        return listing.length === 0 ? [path.list.table] : []
      })
      return looks.flat()
    },
  }
}

function pointersOf(places: Places): readonly Pointer[] {
  const { key, receivedAt } = places
  return Object.values(PATHS).flatMap((path: Path) => {
    const name = path.nameOf(places)
    if (name === undefined) return []
    const bucket = path.list ? bucketOf(path.list.width, receivedAt) : ''
    return [{ path, name, bucket, receivedAt: new Date(receivedAt), key }]
  })
}

function insertion(pointer: Pointer): Statement {
  return { query: insertInto(pointer.path.table, columnsOf(pointer.path)), params: valuesOf(pointer) }
}

const columnsOf = ({ columns }: Path): readonly string[] => [...columns, 'received_at', 'key']

const partitionOf = ({ path, name, bucket, key }: Pointer): readonly unknown[] =>
  path.partition(name, bucket, shardOf(key))

const valuesOf = (pointer: Pointer): readonly unknown[] => [
  ...partitionOf(pointer),
  pointer.receivedAt,
  pointer.key,
]

const partitionId = (pointer: Pointer): string =>
  JSON.stringify([pointer.path.table, ...partitionOf(pointer)])

const idOf = (pointer: Pointer): string => JSON.stringify([pointer.path.table, ...valuesOf(pointer)])

export function insertInto(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
}

export function conditions(columns: readonly string[]): string {
  return columns.map((column) => `${column} = ?`).join(' AND ')
}
