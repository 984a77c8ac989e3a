import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'
import { Trouble } from './trouble.ts'

type Inflater = Transform & { readonly bytesWritten: number }

/** As many chunks are made one, so that a body sent byte by byte takes no more memory than another. */
const MAX_CHUNKS = 1_024
/** RFC 9659: no window of more than 8 MiB on the web. */
const ZSTD = { params: { [constants.ZSTD_d_windowLogMax]: 23 } }

const INFLATERS: Readonly<Record<string, (sent: Buffer) => Inflater>> = {
  gzip: () => createGunzip(),
  deflate: (sent) => (hasZlibHeader(sent) ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(ZSTD),
}

/** How bodies may be compressed, as a request tells it. */
export const ACCEPT_ENCODING = Object.keys(INFLATERS).join(', ')

/** All bytes of a body. Throws `Trouble` once there are more than `maxBytes`, however many were announced. */
export async function collect(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const blocks: Buffer[] = []
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
    if (chunks.length === MAX_CHUNKS) blocks.push(Buffer.concat(chunks.splice(0)))
  }
  return Buffer.concat([...blocks, ...chunks], length)
}

/** The body as it was before it was compressed. Throws `Trouble` where that is no longer to be had, or too large. */
export async function inflate(sent: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity' || sent.length === 0) return sent
  const open = Object.hasOwn(INFLATERS, name) ? INFLATERS[name] : undefined
  if (open === undefined) throw unreadable(`expected a content-encoding of ${ACCEPT_ENCODING}, found another`)
  const inflater = open(sent)
  inflater.end(sent)
  try {
    const body = await collect(inflater, maxBytes)
    // Most decompressors stop at the end of the first frame and never tell that more follows.
    if (inflater.bytesWritten === sent.length) return body
    throw unreadable(`expected nothing behind the body in ${name}, found more bytes`)
  } catch (cause) {
    if (cause instanceof Trouble) throw cause
    throw new Trouble('PROVIDER_UNAVAILABLE', `expected a whole body in ${name}, found another`, { cause })
  }
}

const unreadable = (message: string): Trouble => new Trouble('PAGE_UNREADABLE', message)

const tooLarge = (maxBytes: number): Trouble =>
  unreadable(
    `expected a body of at most ${maxBytes} bytes, found more: ask for smaller pages or raise max_body_bytes`,
  )

/** Some servers leave out the header that the name `deflate` stands for. */
function hasZlibHeader([first = 0, second = 0]: Buffer): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0
}
