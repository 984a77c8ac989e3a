import { promisify } from 'node:util'
import {
  brotliDecompress,
  constants,
  gunzip,
  inflate as inflateZlib,
  inflateRaw,
  type ZstdOptions,
  zstdDecompress,
} from 'node:zlib'
import { Trouble } from './trouble.ts'

interface Limit {
  readonly maxOutputLength: number
}

/** RFC 9659: no window of more than 8 MiB on the web. */
const ZSTD: ZstdOptions = { params: { [constants.ZSTD_d_windowLogMax]: 23 } }

const zlib = promisify<Buffer, Limit, Buffer>(inflateZlib)
const raw = promisify<Buffer, Limit, Buffer>(inflateRaw)
const zstd = promisify<Buffer, ZstdOptions, Buffer>(zstdDecompress)

const INFLATE: Readonly<Record<string, (sent: Buffer, limit: Limit) => Promise<Buffer>>> = {
  gzip: promisify<Buffer, Limit, Buffer>(gunzip),
  deflate: (sent, limit) => (hasZlibHeader(sent) ? zlib : raw)(sent, limit),
  br: promisify<Buffer, Limit, Buffer>(brotliDecompress),
  zstd: (sent, limit) => zstd(sent, { ...ZSTD, ...limit }),
}

/** How bodies may be compressed, as a request tells it. */
export const ACCEPT_ENCODING = 'gzip, deflate, br, zstd'

/** All bytes of a body. Throws `Trouble` once there are more than `maxBytes`, however many were announced. */
export async function collect(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** The body as it was before it was compressed. Throws `Trouble` where that is no longer to be had, or too large. */
export async function inflate(sent: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity' || sent.length === 0) return sent
  const decompress = Object.hasOwn(INFLATE, name) ? INFLATE[name] : undefined
  if (decompress === undefined) {
    const message = `expected a content-encoding of ${ACCEPT_ENCODING}, found ${JSON.stringify(name)}`
    throw new Trouble('PAGE_UNREADABLE', message)
  }
  try {
    return await decompress(sent, { maxOutputLength: maxBytes })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge(maxBytes)
    }
    throw new Trouble('PROVIDER_UNAVAILABLE', `expected a whole body in ${name}, found another`, { cause })
  }
}

function tooLarge(maxBytes: number): Trouble {
  const message = `expected a body of at most ${maxBytes} bytes, found more: ask for smaller pages or raise max_body_bytes`
  return new Trouble('PAGE_UNREADABLE', message)
}

/** Some servers leave out the header that the name `deflate` stands for. */
function hasZlibHeader([first = 0, second = 0]: Buffer): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0
}
