import type { Readable, Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib'
import type { Framing } from '../../lib/json-slices.ts'
import type { Share } from './budget.ts'
import { Refused } from './refused.ts'

/** How a body may be compressed. */
export interface Encoding {
  open(): Transform & { readonly bytesWritten: number }
  /** What the window of its decompressor takes while it runs. */
  readonly windowBytes: number
}

/** RFC 9659: no window of more than 8 MiB on the web. */
const ZSTD_WINDOW_LOG = 23

/** As many chunks are made one, so that a body sent byte by byte takes no more memory than another. */
const MAX_CHUNKS = 1_024

const ENCODINGS: Readonly<Record<string, Encoding>> = {
  gzip: { open: createGunzip, windowBytes: 2 ** 16 },
  deflate: { open: createInflate, windowBytes: 2 ** 16 },
  br: { open: createBrotliDecompress, windowBytes: 2 ** 24 },
  zstd: {
    open: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
    windowBytes: 2 ** ZSTD_WINDOW_LOG,
  },
}

const FRAMINGS: Readonly<Record<string, Framing>> = {
  'application/json': 'json',
  'text/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/x-jsonlines': 'ndjson',
}

/** What to do where a sender could as well send JSON. */
const HINTS: readonly (readonly [type: RegExp, hint: string])[] = [
  // What curl says of the body where nobody tells it.
  [/^application\/x-www-form-urlencoded$/, "curl takes -H 'content-type: application/json'"],
  [/^(application|text)\/(.+\+)?xml$/, 'set the sender to JSON'],
  [/^text\/csv$/, 'set the sender to JSON or NDJSON'],
]

/** How items stand in a body of this content type; JSON where none is given. Refuses other types with 415. */
export function framingOf(contentType: string | undefined): Framing {
  if (contentType === undefined) return 'json'
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
  const framing = Object.hasOwn(FRAMINGS, type) ? FRAMINGS[type] : undefined
  if (framing !== undefined) return framing
  if (/^[^/\s]+\/[^/\s]+\+json$/.test(type)) return 'json'
  const taken = [...Object.keys(FRAMINGS), '*/*+json'].join(', ')
  const hint = HINTS.find(([known]) => known.test(type))?.[1]
  throw new Refused(
    415,
    `expected a content-type of ${taken}; received ${JSON.stringify(shortened(type))}${hint === undefined ? '' : `; ${hint}`}`,
  )
}

/** How to inflate a body of this content encoding; undefined where it needn't be. Refuses other encodings with 415. */
export function encodingOf(contentEncoding: string | undefined): Encoding | undefined {
  const name = contentEncoding?.trim().toLowerCase() ?? 'identity'
  if (name === 'identity' || name === '') return undefined
  const encoding = Object.hasOwn(ENCODINGS, name) ? ENCODINGS[name] : undefined
  if (encoding !== undefined) return encoding
  const taken = [...Object.keys(ENCODINGS), 'identity'].join(', ')
  throw new Refused(
    415,
    `expected a content-encoding of ${taken}; received ${JSON.stringify(shortened(name))}`,
  )
}

const shortened = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text)

/**
 * The bytes of a request as they were sent. Refuses with 413 once more than `maxBytes` have come, however they were
 * announced, and lets the rest run into the void, so that the sender gets to read the answer.
 */
export async function readBody(request: Readable, maxBytes: number, share: Share): Promise<Buffer> {
  try {
    return await collect(request, maxBytes, share)
  } catch (error) {
    request.resume()
    if (error instanceof Refused) throw error
    throw new Refused(400, 'the body ended early', { cause: error })
  }
}

/** Inflates, stopping at `maxBytes` with 413 before more is in memory. What can't be inflated whole is a 400. */
export async function inflate(
  sent: Buffer,
  encoding: Encoding,
  maxBytes: number,
  share: Share,
): Promise<Buffer> {
  share.take(encoding.windowBytes)
  const inflater = encoding.open()
  try {
    inflater.end(sent)
    const body = await collect(inflater, maxBytes, share)
    // Most decompressors stop at the end of the first frame and never tell that more follows.
    if (inflater.bytesWritten < sent.length)
      throw new Refused(400, 'bytes follow the end of the compressed body')
    return body
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Refused(400, 'the body can not be inflated as its content-encoding says', { cause: error })
  } finally {
    inflater.destroy()
    share.give(encoding.windowBytes)
  }
}

/** All bytes of a stream. On failure it lets go of the stream, but leaves it to the caller to end it. */
function collect(stream: Readable, maxBytes: number, share: Share): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const blocks: Buffer[] = []
    const chunks: Buffer[] = []
    let length = 0

    function take(chunk: Buffer): void {
      length += chunk.length
      try {
        if (length > maxBytes) throw tooLarge(maxBytes)
        share.take(chunk.length)
        chunks.push(chunk)
        if (chunks.length === MAX_CHUNKS) blocks.push(Buffer.concat(chunks.splice(0)))
      } catch (error) {
        fail(error)
      }
    }

    function fail(error: unknown): void {
      stream.off('data', take)
      reject(error)
    }

    function close(): void {
      if (!stream.readableEnded) fail(new Error('it was closed before its end'))
    }

    if (stream.closed) close()
    stream
      .on('data', take)
      .on('end', () => resolve(joined([...blocks, ...chunks], length)))
      .on('error', fail)
      .on('close', close)
  })
}

function joined([first, ...rest]: readonly Buffer[], length: number): Buffer {
  if (first === undefined) return Buffer.alloc(0)
  return rest.length === 0 ? first : Buffer.concat([first, ...rest], length)
}

/** Refuses a body that says of itself that it is too large, before any of it is read. */
export function checkAnnounced(contentLength: string | undefined, maxBytes: number): void {
  if (Number(contentLength) > maxBytes) throw tooLarge(maxBytes)
}

function tooLarge(maxBytes: number): Refused {
  return new Refused(413, `expected at most ${maxBytes} bytes; received more`)
}

/** Whether there is nothing but white space, perhaps behind a byte order mark. */
export function isBlank(body: Buffer): boolean {
  let at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0
  while (at < body.length && isSpace(body[at])) at++
  return at === body.length
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
