import { createReadStream, type ReadStream } from 'node:fs'
import { addAbortSignal, pipeline, type Readable, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { unreadable } from './files.ts'

export interface Content {
  /** The inflated bytes. Throws `FILE_UNREADABLE`, what `isCorrupt` knows, or the reason of the abort. */
  readonly chunks: AsyncIterable<Buffer>
  /** How many bytes of the file were read, as it is stored. */
  bytesRead(): number
}

export interface ContentOptions {
  /** The beginning of the file, which tells how it is compressed. */
  readonly start: Buffer
  /** How many of the inflated bytes are left out. */
  readonly offset: number
  readonly signal: AbortSignal
}

const CHUNK_BYTES = 256 * 2 ** 10

const MAGIC: readonly (readonly [bytes: Buffer, inflate: () => Transform])[] = [
  [Buffer.from([0x1f, 0x8b]), () => createGunzip({ chunkSize: CHUNK_BYTES })],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), () => createZstdDecompress({ chunkSize: CHUNK_BYTES })],
]

/** Streams a file from an offset on. Nothing is opened before somebody iterates. */
export function openContent(path: string, { start, offset, signal }: ContentOptions): Content {
  const inflater = inflaterOf(start)
  const from = inflater === undefined ? offset : 0
  let stored: ReadStream | undefined

  function openStream(): Readable {
    stored = createReadStream(path, { start: from, highWaterMark: CHUNK_BYTES })
    // An error of any stream in the pipeline shows on the last one, which is the one that is read.
    const stream = inflater === undefined ? stored : pipeline(stored, inflater(), () => {})
    return addAbortSignal(signal, stream)
  }

  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    let toSkip = offset - from
    try {
      for await (const chunk of openStream() as AsyncIterable<Buffer>) {
        if (toSkip < chunk.length) yield toSkip === 0 ? chunk : chunk.subarray(toSkip)
        toSkip = Math.max(0, toSkip - chunk.length)
      }
    } catch (error) {
      throw signal.aborted || isCorrupt(error) ? error : unreadable(path, error)
    }
  }

  return { chunks: chunks(), bytesRead: () => from + (stored?.bytesRead ?? 0) }
}

/** Whether a file begins like a compressed one, whatever its name says. */
export function isCompressed(start: Buffer): boolean {
  return inflaterOf(start) !== undefined
}

/** Whether the compressed bytes make no sense, or end too early. */
export function isCorrupt(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^Z(STD)?_/.test(String(error.code))
}

const inflaterOf = (start: Buffer): (() => Transform) | undefined =>
  MAGIC.find(([bytes]) => start.subarray(0, bytes.length).equals(bytes))?.[1]
