import type { Collection } from 'mongodb'
import type { Cancellable } from '../../batch.ts'
import type { Stored } from '../store.ts'
import type { Session } from './connect.ts'
import type { RawParts } from './raw.ts'
import { damaged, decodePlain, decodeRow, type Row } from './row.ts'

const KEYS_A_QUESTION = 500

export interface Rows {
  readonly get: (keys: readonly string[], options?: Cancellable) => Promise<ReadonlyMap<string, Stored>>
  /**
   * The record of a row that was read, at once where the row holds all of it; undefined where it was erased since. Throws
   * `DATA_CORRUPT`.
   */
  present(row: Row, options: Cancellable): Stored | Promise<Stored | undefined>
}

export function openRows({ ask }: Session, collection: Collection<Row>, parts: RawParts): Rows {
  async function gathered(row: Row, options: Cancellable): Promise<Stored | undefined> {
    const raw = await parts.read(row, options)
    if (raw !== undefined) return decodeRow(row, raw)
    // Rows are erased before their parts.
    const again = await ask(() => collection.findOne({ _id: row._id }), options)
    if (again === null) return undefined
    const late = await parts.read(again, options)
    if (late === undefined) throw damaged(row._id, 'lacks parts of its raw')
    return decodeRow(again, late)
  }

  const present: Rows['present'] = (row, options) => decodePlain(row) ?? gathered(row, options)

  return {
    present,
    async get(keys, options = {}) {
      const found = new Map<string, Stored>()
      for (let first = 0; first < keys.length; first += KEYS_A_QUESTION) {
        const some = keys.slice(first, first + KEYS_A_QUESTION)
        const rows = await ask(
          () => collection.find({ _id: { $in: some } }, { batchSize: KEYS_A_QUESTION }).toArray(),
          options,
        )
        for (const row of rows) {
          const record = await present(row, options)
          if (record) found.set(record.key, record)
        }
      }
      return found
    },
  }
}
