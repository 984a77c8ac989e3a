import { createReadStream } from 'node:fs'
import { addAbortSignal, type Readable } from 'node:stream'
import { unreadable } from './files.ts'
import { inflaterOf, LONGEST_MAGIC } from './inflate.ts'

export interface Content {
  /** The inflated bytes. Throws `FILE_UNREADABLE`, what `isCorrupt` knows, or the reason of the abort. */
  readonly chunks: AsyncIterable<Buffer>
  /** How many bytes were read, as they are stored or sent. */
  readonly bytesRead: () => number
}

export interface ContentOptions {
  /** The beginning of the file, which tells how it is compressed. */
  readonly start: Buffer
  /** How many of the inflated bytes are left out. */
  readonly offset: number
  /** How many bytes of the file are read at most, as it is stored; all there are unless told. */
  readonly size?: number | undefined
  readonly signal: AbortSignal
}

const CHUNK_BYTES = 256 * 2 ** 10

/** Streams a file from an offset on. Nothing is opened before somebody iterates. */
export function openContent(
  path: string,
  { start, offset, size = Infinity, signal }: ContentOptions,
): Content {
  const inflate = inflaterOf(start)
  const from = inflate === undefined ? offset : 0
  let bytes = 0

  async function* stored(): AsyncGenerator<Buffer, void, undefined> {
    if (size <= from) return
    const stream = createReadStream(path, { start: from, end: size - 1, highWaterMark: CHUNK_BYTES })
    for await (const chunk of addAbortSignal(signal, stream) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      yield chunk
    }
  }

  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    let toSkip = offset - from
    for await (const chunk of inflate === undefined ? stored() : inflate(stored())) {
      if (toSkip < chunk.length) yield toSkip === 0 ? chunk : chunk.subarray(toSkip)
      toSkip = Math.max(0, toSkip - chunk.length)
    }
  }

  return { chunks: readable(path, chunks(), signal), bytesRead: () => from + bytes }
}

/** Streams what can be read only once, such as a pipe. Its first bytes tell whether it is compressed. */
export function openPipe(name: string, pipe: Readable, signal: AbortSignal): Content {
  let bytes = 0

  async function* sent(): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of addAbortSignal(signal, pipe) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      yield chunk
    }
  }

  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    const { start, all } = await peek(sent(), LONGEST_MAGIC)
    const inflate = inflaterOf(start)
    yield* inflate === undefined ? all : inflate(all)
  }

  return { chunks: readable(name, chunks(), signal), bytesRead: () => bytes }
}

/** Whether the compressed bytes make no sense, or end too early. */
export function isCorrupt(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^Z(STD)?_/.test(String(error.code))
}

/** Says which file it is that can't be read. */
async function* readable(name: string, chunks: AsyncIterable<Buffer>, signal: AbortSignal) {
  try {
    yield* chunks
  } catch (error) {
    throw signal.aborted || isCorrupt(error) ? error : unreadable(name, error)
  }
}

/** The first bytes, so many where there are, and everything from the first one on. */
async function peek(chunks: AsyncGenerator<Buffer, void, undefined>, count: number) {
  let start = Buffer.alloc(0)
  while (start.length < count) {
    const next = await chunks.next()
    if (next.done) break
    start = Buffer.concat([start, next.value])
  }
  async function* all(): AsyncGenerator<Buffer, void, undefined> {
    if (start.length > 0) yield start
    yield* chunks
  }
  return { start, all: all() }
}
