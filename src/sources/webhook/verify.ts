import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type SharedSecret, type StandardWebhooks, signingKey, type Verify } from './config.ts'
import { Refused } from './refused.ts'

/** How senders of one source prove who they are. */
export interface Scheme {
  /** What the headers alone say, before any of the body is read. Refuses with 401 what can't be right. */
  claim(headers: IncomingHttpHeaders, nowMs: number): Claim
}

/** Who a request says it is from. Nothing of it counts before `isProvenBy` was true. */
export interface Claim {
  /** The sender's id of the delivery, the same when it is sent again. */
  readonly delivery?: string
  /** The name of the scheme; absent where nothing is asked. */
  readonly verified?: string
  /** Whether these bytes are what the sender signed. */
  isProvenBy(body: Buffer): boolean
}

/** Ids travel with every item of a delivery, so they are kept short. */
const MAX_ID_LENGTH = 256

export function schemeOf(verify: Verify): Scheme {
  if (verify === 'none') return { claim: () => UNPROVEN }
  return verify.scheme === 'standard-webhooks' ? standardWebhooks(verify) : sharedSecret(verify)
}

const UNPROVEN: Claim = { isProvenBy: () => true }

/** HMAC-SHA256 over `id.timestamp.body`, of the bytes as they are: text decoding would let different bodies pass. */
function standardWebhooks({ scheme, secrets, toleranceMs }: StandardWebhooks): Scheme {
  const keys = secrets.map(signingKey)

  return {
    claim(headers, nowMs) {
      const prefix =
        headers['webhook-id'] === undefined && headers['svix-id'] !== undefined ? 'svix' : 'webhook'
      const id = deliveryId(headers, `${prefix}-id`)
      const timestamp = required(headers, `${prefix}-timestamp`)
      checkTimestamp(timestamp, nowMs, toleranceMs)
      const signatures = required(headers, `${prefix}-signature`).split(' ').flatMap(signature)
      return {
        delivery: id,
        verified: scheme,
        isProvenBy: (body) =>
          keys.some((key) => {
            const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
            return signatures.some((given) => timingSafeEqual(given, expected))
          }),
      }
    },
  }
}

/** The bytes of one `v1,<base64>`; nothing for other versions and for what can't be a signature. */
function signature(versioned: string): readonly Buffer[] {
  if (!versioned.startsWith('v1,')) return []
  const bytes = Buffer.from(versioned.slice(3), 'base64')
  return bytes.length === 32 ? [bytes] : []
}

function checkTimestamp(timestamp: string, nowMs: number, toleranceMs: number): void {
  if (!/^\d{1,12}$/.test(timestamp))
    throw new Refused(401, 'expected a timestamp in whole seconds since 1970')
  const ageMs = nowMs - Number(timestamp) * 1_000
  if (ageMs > toleranceMs) throw new Refused(401, 'the timestamp of the delivery is too old')
  if (ageMs < -toleranceMs) throw new Refused(401, 'the timestamp of the delivery is too new')
}

function sharedSecret({ scheme, secrets, header, deliveryHeader }: SharedSecret): Scheme {
  const name = header.toLowerCase()
  const idName = deliveryHeader?.toLowerCase()
  const digests = secrets.map((secret) => digest(Buffer.from(secret)))

  return {
    claim(headers) {
      // Headers are read as latin1, secrets as UTF-8. Digests are compared, since those are all of one length.
      const given = digest(Buffer.from(required(headers, name), 'latin1'))
      if (!digests.some((known) => timingSafeEqual(given, known)))
        throw new Refused(401, `the ${name} is not known`)
      const delivery =
        idName === undefined || headers[idName] === undefined ? {} : { delivery: deliveryId(headers, idName) }
      return { verified: scheme, ...delivery, isProvenBy: () => true }
    },
  }
}

const digest = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer')

function deliveryId(headers: IncomingHttpHeaders, name: string): string {
  const id = required(headers, name)
  if (id.length > MAX_ID_LENGTH)
    throw new Refused(401, `expected a ${name} of at most ${MAX_ID_LENGTH} characters`)
  return id
}

function required(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  if (typeof value !== 'string' || value === '') throw new Refused(401, `expected one ${name} header`)
  return value
}
