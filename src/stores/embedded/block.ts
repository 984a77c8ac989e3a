import { promisify } from 'node:util'
import { constants, crc32, zstdCompress, zstdDecompress } from 'node:zlib'
import { asOne } from '../../lib/memory.ts'
import { receivedAtOf, splitRows } from './row.ts'

export const MAX_BLOCK_ROWS = 1_000
export const MAX_BLOCK_BYTES = 4 * 1024 * 1024

/** What is known of a block without its rows. */
export interface Header {
  readonly format: 1
  readonly rows: number
  /** The earliest and the latest time at which one of its rows was received. */
  readonly earliest: number
  readonly latest: number
  /** Of the rows, uncompressed. */
  readonly bytes: number
  /** CRC-32 of the compressed rows. */
  readonly checksum: number
}

export interface Block {
  readonly header: Header
  readonly payload: Buffer
}

/** A row and when it was received; a row that was erased has no time. */
export interface Dated {
  readonly bytes: Buffer
  readonly receivedAt: number | undefined
}

export function dated(bytes: Buffer): Dated {
  return { bytes, receivedAt: receivedAtOf(bytes) }
}

/** Blocks of rows that follow each other, none larger than it may be unless one row alone is. */
export async function encodeBlocks(rows: readonly Dated[]): Promise<readonly Block[]> {
  const blocks: Block[] = []
  for (const part of parts(rows)) blocks.push(await encodeBlock(part))
  return blocks
}

export async function encodeBlock(rows: readonly Dated[]): Promise<Block> {
  const bytes = asOne(rows.map((row) => row.bytes))
  const payload = await compress(bytes, {
    chunkSize: Math.max(MIN_CHUNK_BYTES, bytes.length >> 1),
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  })
  const header = { format: 1, rows: rows.length, ...timesOf(rows), bytes: bytes.length } as const
  return { header: { ...header, checksum: crc32(payload) }, payload }
}

function timesOf(rows: readonly Dated[]): Pick<Header, 'earliest' | 'latest'> {
  let earliest = Number.POSITIVE_INFINITY
  let latest = Number.NEGATIVE_INFINITY
  for (const { receivedAt } of rows) {
    if (receivedAt === undefined) continue
    if (receivedAt < earliest) earliest = receivedAt
    if (receivedAt > latest) latest = receivedAt
  }
  return earliest <= latest ? { earliest, latest } : { earliest: 0, latest: 0 }
}

/** The rows of a block. Throws where the bytes are not those that were written. */
export async function decodeBlock({ header, payload }: Block): Promise<readonly Buffer[]> {
  if (header.format !== 1) throw new Error(`a block of the format ${String(header.format)}`)
  if (crc32(payload) !== header.checksum) throw new Error('the checksum is another one')
  const size = Math.max(MIN_CHUNK_BYTES, header.bytes)
  const bytes = await decompress(payload, { chunkSize: size, maxOutputLength: size })
  const rows = splitRows(bytes)
  if (rows?.length !== header.rows)
    throw new Error(`expected ${header.rows} rows, found ${rows?.length ?? 0}`)
  return rows
}

export function encodeHeader(header: Header): Buffer {
  return Buffer.from(JSON.stringify(header))
}

export function decodeHeader(bytes: Buffer): Header {
  return JSON.parse(bytes.toString()) as Header
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
const MIN_CHUNK_BYTES = 1024

function* parts(rows: readonly Dated[]): Generator<readonly Dated[]> {
  let part: Dated[] = []
  let size = 0
  for (const row of rows) {
    const isFull = part.length === MAX_BLOCK_ROWS || size + row.bytes.length > MAX_BLOCK_BYTES
    if (isFull && part.length > 0) {
      yield part
      part = []
      size = 0
    }
    part.push(row)
    size += row.bytes.length
  }
  if (part.length > 0) yield part
}
