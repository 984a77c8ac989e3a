import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { HeadwaterError } from '../../errors.ts'
import type { Options, Session } from './connect.ts'
import { inParallel } from '../../lib/parallel.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** A value of more bytes is kept in parts, beside the row. */
export const LARGE_BYTES = 256 * 1024
/** A node refuses a write of more than 16 MiB unless told; this is far from it. */
const PART_BYTES = 512 * 1024
/** Parts of one value that are under way at a time. */
const AT_A_TIME = 8

/** Large values of a row. Each version of a row has parts of its own: whoever reads a row sees all of its parts, and no others. */
export interface Parts {
  write(key: string, version: bigint, values: LargeValues, options?: Options): Promise<void>
  read(key: string, version: bigint, name: string, options?: Options): Promise<Buffer>
  remove(key: string, version: bigint, options?: Options): Promise<void>
  /** Removes those of all versions, as far as they were written before `at`, in microseconds. */
  removeAll(key: string, at: bigint, options?: Options): Promise<void>
}

export type LargeValues = Readonly<Record<string, Buffer>>

export function openParts({ run }: Session): Parts {
  async function write(key: string, version: bigint, name: string, value: Buffer, options?: Options) {
    const packed = await compress(value)
    const count = Math.ceil(packed.length / PART_BYTES)
    const numbers = Array.from({ length: count }, (_, part) => part)
    await inParallel(
      numbers,
      (part) => {
        const data = packed.subarray(part * PART_BYTES, (part + 1) * PART_BYTES)
        return run(
          'INSERT INTO parts (key, version, name, part, count, data) VALUES (?, ?, ?, ?, ?, ?)',
          [key, version, name, part, count, data],
          options,
        )
      },
      AT_A_TIME,
    )
  }

  async function read(key: string, version: bigint, name: string, options?: Options): Promise<Buffer> {
    const readPart = async (part: number): Promise<{ data: Buffer; count: number }> => {
      const [row] = await run(
        'SELECT data, count FROM parts WHERE key = ? AND version = ? AND name = ? AND part = ?',
        [key, version, name, part],
        options,
      )
      if (row) return { data: row['data'] as Buffer, count: Number(row['count']) }
      throw new HeadwaterError('DATA_CORRUPT', `${key}: part ${part} of its ${name} is not in table parts`)
    }
    const first = await readPart(0)
    const numbers = Array.from({ length: first.count - 1 }, (_, n) => n + 1)
    const others = await inParallel(numbers, readPart, AT_A_TIME)
    try {
      return await decompress(Buffer.concat([first, ...others].map(({ data }) => data)))
    } catch (cause) {
      throw new HeadwaterError('DATA_CORRUPT', `${key}: its ${name} in table parts can't be read`, { cause })
    }
  }

  return {
    async write(key, version, values, options) {
      for (const [name, value] of Object.entries(values)) await write(key, version, name, value, options)
    },
    read,
    async remove(key, version, options) {
      await run('DELETE FROM parts WHERE key = ? AND version = ?', [key, version], options)
    },
    async removeAll(key, at, options) {
      await run('DELETE FROM parts USING TIMESTAMP ? WHERE key = ?', [at, key], options)
    },
  }
}

/** A version that nothing else has. */
export const newVersion = (): bigint => randomBytes(8).readBigUInt64BE() >> 1n
