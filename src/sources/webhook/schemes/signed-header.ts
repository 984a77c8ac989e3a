import type { IncomingHttpHeaders } from 'node:http'
import { Refused } from '../refused.ts'
import { type Names, optionalDelivery, presentOf, required } from './headers.ts'
import type { Scheme } from './scheme.ts'
import { type Algorithm, decode, type Encoding, HMAC_BYTES, isHmacOf } from './signature.ts'

/** An HMAC in a header of its own. */
export interface SignedHeader {
  readonly scheme: string
  readonly secrets: readonly string[]
  /** The first of these that a request has holds the signature. */
  readonly signatureHeaders: Names
  readonly algorithm: Algorithm
  readonly encoding: Encoding
  /** What stands before the signature. */
  readonly prefix?: string | undefined
  /** The first of these that a request has holds the id of the delivery. */
  readonly deliveryHeaders?: Names
  /** What is signed beside the body; nothing unless told. Refuses with 401 a head that lacks some of it. */
  readonly around?: (headers: IncomingHttpHeaders, nowMs: number) => Around
}

/** What is signed before the body and behind it. */
export interface Around {
  readonly before: Buffer
  readonly after: Buffer
}

const EMPTY = Buffer.alloc(0)
const NOTHING: Around = { before: EMPTY, after: EMPTY }

/** Deliveries that are signed so. A secret counts as the bytes of its text. */
export function signedHeader(layout: SignedHeader): Scheme {
  const { scheme, secrets, signatureHeaders, algorithm, encoding, deliveryHeaders } = layout
  const { prefix = '', around = () => NOTHING } = layout
  const length = HMAC_BYTES[algorithm]

  return {
    claim({ headers }, nowMs) {
      const name = presentOf(headers, signatureHeaders)
      const text = required(headers, name)
      const given = text.startsWith(prefix) ? decode(text.slice(prefix.length), encoding, length) : undefined
      if (given === undefined)
        throw new Refused(401, `expected ${prefix}${shape(length, encoding)} in ${name}`)
      const { before, after } = around(headers, nowMs)
      return {
        verified: scheme,
        ...optionalDelivery(headers, deliveryHeaders && presentOf(headers, deliveryHeaders)),
        isProvenBy: (body) => isHmacOf([before, body, after], [given], algorithm, secrets),
      }
    },
  }
}

const shape = (length: number, encoding: Encoding): string =>
  encoding === 'hex' ? `${2 * length} hex digits` : `the base64 of ${length} bytes`
