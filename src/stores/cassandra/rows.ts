import type { Stored } from '../store.ts'
import type { Options, Session } from './connect.ts'
import { inParallel } from '../../lib/parallel.ts'
import { isRecordKey } from '../../review/key.ts'
import { openParts, type Parts } from './parts.ts'
import { type Columns, RECORD_COLUMNS, readRow, readWhole } from './row.ts'

/** Rows by their keys. */
export interface Rows {
  readonly parts: Parts
  read(key: string, options?: Options): Promise<Stored | undefined>
  /** The row without what is in parts. */
  find(key: string, options?: Options): Promise<Columns | undefined>
  /** The record of a row that was found, at once where the row holds all of it; undefined where it was erased since. */
  complete(row: Columns, options?: Options): Stored | Promise<Stored | undefined>
  /** When the first write of each key that is there was written, as the database has it. */
  writeTimes(keys: readonly string[], options?: Options): Promise<ReadonlyMap<string, bigint>>
}

export function openRows(session: Session): Rows {
  const parts = openParts(session)
  const select = `SELECT ${RECORD_COLUMNS.join(', ')} FROM reviews WHERE key = ?`

  async function find(key: string, options?: Options): Promise<Columns | undefined> {
    const [row] = isRecordKey(key) ? await session.run(select, [key], options) : []
    return row
  }

  const complete: Rows['complete'] = (row, options) => readWhole(row) ?? gathered(row, options)

  async function gathered(row: Columns, options?: Options): Promise<Stored | undefined> {
    try {
      return await readRow(row, parts, options)
    } catch (error) {
      // Parts that are gone belong to a row that has been erased or amended since it was found.
      const now = await find(row.key as string, options)
      if (now === undefined) return undefined
      if (now.parts === row.parts && now.verdict_parts === row.verdict_parts) throw error
      return readRow(now, parts, options)
    }
  }

  return {
    parts,
    find,
    complete,
    async read(key, options) {
      const row = await find(key, options)
      return row && complete(row, options)
    },
    async writeTimes(keys, options) {
      const query = 'SELECT writetime(raw_hash) AS written_at FROM reviews WHERE key = ?'
      const times = await inParallel(keys, async (key) => {
        const [row] = await session.run(query, [key], options)
        return row?.['written_at'] as bigint | undefined
      })
      return new Map(keys.flatMap((key, n) => (times[n] === undefined ? [] : [[key, times[n]] as const])))
    },
  }
}
