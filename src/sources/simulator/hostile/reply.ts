import type { Sighting } from './truth.ts'

/** How a body goes out. */
export type Delivery =
  | { readonly kind: 'whole' }
  /** The connection is reset behind so many bytes. */
  | { readonly kind: 'reset'; readonly after: number }
  /** Nothing follows so many bytes; whoever waits longer than this is hung up on. */
  | { readonly kind: 'stall'; readonly after: number; readonly ms: number }
  /** Everything comes, a little at a time. */
  | { readonly kind: 'drip'; readonly pieces: number; readonly ms: number }

/** For whom a wait that is asked for holds. */
export type Scope = 'everybody' | 'product'

/** A wait that an answer asks for, in whatever form. */
export interface Wait {
  readonly ms: number
  readonly scope: Scope
  /** How it was told. */
  readonly told: string
}

/** What is sent. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly delivery: Delivery
  /** The reviews in it, seen by whoever gets all of the body. */
  readonly sightings: readonly Sighting[]
  /** Whether a poller has no reason to doubt it. */
  readonly isClean: boolean
  readonly wait?: Wait
}

const TYPES = { json: 'application/json', html: 'text/html; charset=utf-8' } as const

/** An answer without reviews, which comes as a whole. */
export function reply(
  status: number,
  body: string | object | Buffer = '',
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const type = typeof body === 'string' && body.startsWith('<') ? TYPES.html : TYPES.json
  return {
    status,
    headers: { 'content-type': type, ...headers },
    body: bytes,
    delivery: { kind: 'whole' },
    sightings: [],
    isClean: false,
  }
}
