import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { Collection } from 'mongodb'
import type { Cancellable } from '../../batch.ts'
import type { Session } from './connect.ts'
import { damaged, MAX_IN_ROW, type Row } from './row.ts'
import { isDuplicate } from './write-errors.ts'

/** How a row keeps raw: as it is, compressed, or in so many parts beside it. */
export interface PackedRaw {
  readonly raw?: Buffer
  readonly rawAs?: 'zstd' | 'parts'
  readonly rawParts?: number
}

/** A slice of raw, compressed. Its `_id` says of which bytes of which record it is, and which: its content follows from it. */
export interface Part {
  readonly _id: string
  readonly key: string
  readonly receivedAt: Date
  readonly bytes: Buffer
}

const PART_BYTES = 12 * 1024 * 1024

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

export async function packRaw(raw: Buffer): Promise<PackedRaw> {
  if (raw.length <= MAX_IN_ROW) return { raw }
  const compressed = await compress(raw)
  if (compressed.length <= MAX_IN_ROW) return { raw: compressed, rawAs: 'zstd' }
  return { rawAs: 'parts', rawParts: Math.ceil(raw.length / PART_BYTES) }
}

export interface RawParts {
  /** Writes those that are not there yet. */
  write(row: Row, raw: Buffer, options: Cancellable): Promise<void>
  /** The bytes of a row, wherever they lie; undefined where parts are missing. Throws `DATA_CORRUPT`. */
  read(row: Row, options: Cancellable): Promise<Buffer | undefined>
  /** Whether all of a row's are there. */
  has(row: Row, options: Cancellable): Promise<boolean>
  /** Removes those of a row. */
  remove(row: Row, options: Cancellable): Promise<void>
  /** Removes all there are of some records, whoever wrote them. */
  removeAll(keys: readonly string[], options: Cancellable): Promise<void>
}

export function openRawParts({ ask }: Session, parts: Collection<Part>): RawParts {
  async function rawOf(row: Row, options: Cancellable): Promise<Buffer | undefined> {
    const { _id, raw, rawAs, rawParts = 0 } = row
    if (rawAs === 'parts') return joined(row, rawParts, options)
    if (raw === undefined) throw damaged(_id, 'has no raw')
    return rawAs === 'zstd' ? unpack(_id, raw) : raw
  }

  async function joined(row: Row, count: number, options: Cancellable): Promise<Buffer | undefined> {
    const slices: Buffer[] = []
    for (let n = 0; n < count; n++) {
      const part = await ask(() => parts.findOne({ _id: idOf(row, n) }), options)
      if (part === null) return undefined
      slices.push(await unpack(row._id, part.bytes))
    }
    return Buffer.concat(slices)
  }

  return {
    async write(row, raw, options) {
      for (let n = 0; n * PART_BYTES < raw.length; n++) {
        const bytes = await compress(raw.subarray(n * PART_BYTES, (n + 1) * PART_BYTES))
        const part: Part = { _id: idOf(row, n), key: row._id, receivedAt: row.receivedAt, bytes }
        await ask(() => parts.insertOne(part).catch(unlessDuplicate), options)
      }
    },
    async read(row, options) {
      const raw = await rawOf(row, options)
      if (raw !== undefined && raw.length !== row.rawLength)
        throw damaged(row._id, `has ${raw.length} bytes of raw and was stored with ${row.rawLength}`)
      return raw
    },
    async has(row, options) {
      if (row.rawAs !== 'parts') return true
      return (await ask(() => parts.countDocuments({ _id: allOf(row) }), options)) === row.rawParts
    },
    async remove(row, options) {
      await ask(() => parts.deleteMany({ _id: allOf(row) }), options)
    },
    async removeAll(keys, options) {
      await ask(() => parts.deleteMany({ key: { $in: keys } }), options)
    },
  }
}

const idOf = ({ _id, rawHash }: Row, n: number): string => `${_id}/${rawHash}/${n}`

/** Everything that begins as their `_id`s do; `0` comes behind `/`. */
const allOf = ({ _id, rawHash }: Row) => ({ $gt: `${_id}/${rawHash}/`, $lt: `${_id}/${rawHash}0` })

function unlessDuplicate(error: unknown): void {
  if (!isDuplicate(error)) throw error
}

async function unpack(key: string, bytes: Buffer): Promise<Buffer> {
  try {
    return await decompress(bytes)
  } catch (cause) {
    throw damaged(key, 'has raw that can not be decompressed', cause)
  }
}
