import { pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'

type Chunks = AsyncGenerator<Buffer, void, undefined>

/** Inflates a stream. It ends only where the stream does, however many compressed files were joined in it. */
export type Inflate = (stored: Chunks) => AsyncIterable<Buffer>

const CHUNK_BYTES = 256 * 2 ** 10

const MAGIC: readonly (readonly [bytes: Buffer, inflate: Inflate])[] = [
  [Buffer.from([0x1f, 0x8b]), gunzip],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), unzstd],
]

/** So many bytes tell how a file is compressed. */
export const LONGEST_MAGIC = Math.max(...MAGIC.map(([bytes]) => bytes.length))

/** How to inflate what begins like this, whatever its name says; undefined where it is not compressed. */
export function inflaterOf(start: Buffer): Inflate | undefined {
  return MAGIC.find(([bytes]) => start.subarray(0, bytes.length).equals(bytes))?.[1]
}

// An error of any stream in a pipeline shows on the last one, which is the one that is read.
function gunzip(stored: Chunks): AsyncIterable<Buffer> {
  return pipeline(oneByOne(stored), createGunzip({ chunkSize: CHUNK_BYTES }), () => {})
}

/** A decompressor of zstd stops at the end of a frame, and says nothing of what it was given beyond it. */
async function* unzstd(stored: Chunks): Chunks {
  try {
    yield* frames(stored)
  } finally {
    // It may be waiting for more, which nobody wants any longer.
    stored.return().catch(() => {})
  }
}

async function* frames(stored: Chunks): Chunks {
  let left: Buffer = Buffer.alloc(0)
  let isOver = false
  while (!isOver || left.length > 0) {
    const frame = createZstdDecompress({ chunkSize: CHUNK_BYTES })
    const given = createGiven(left, () => frame.bytesWritten)
    let asked: Promise<unknown> = Promise.resolve()

    async function* feed(): Chunks {
      if (left.length > 0) yield left
      while (true) {
        const asking = stored.next()
        asked = asking
        const next = await asking
        if (next.done) {
          isOver = true
          return
        }
        given.add(next.value)
        yield next.value
      }
    }

    yield* pipeline(oneByOne(feed()), frame, () => {}) as AsyncIterable<Buffer>
    await asked
    left = given.rest()
  }
}

const oneByOne = (chunks: Chunks): Readable => Readable.from(chunks, { highWaterMark: 1 })

/** What a decompressor was given and may not have taken yet. */
function createGiven(first: Buffer, taken: () => number) {
  const chunks = [first]
  let before = 0
  return {
    add(chunk: Buffer): void {
      for (let next = chunks[0]; next && before + next.length <= taken(); next = chunks[0]) {
        before += next.length
        chunks.shift()
      }
      chunks.push(chunk)
    },
    rest: (): Buffer => Buffer.concat(chunks).subarray(taken() - before),
  }
}
