import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { duration } from '../../../lib/fields.ts'
import { Refused } from '../refused.ts'
import type { Scheme } from './scheme.ts'
import { deliveryId, required } from './headers.ts'
import { secret, secretsOf } from './secrets.ts'

const signingSecret = secret.refine(
  isSigningSecret,
  'expected base64 of 24 to 64 bytes, with or without whsec_ before it',
)

export const standardWebhooksConfig = z.strictObject({
  scheme: z.literal('standard-webhooks').meta({
    description: 'How: `standard-webhooks` is signed as standardwebhooks.com says, and as Svix does.',
  }),
  secrets: secretsOf(signingSecret),
  toleranceMs: duration()
    .prefault('5m')
    .meta({ description: 'How far the timestamp of a delivery may be from now, in either direction.' }),
})

/** HMAC-SHA256 over `id.timestamp.body`, of the bytes as they are: text decoding would let different bodies pass. */
export function standardWebhooks({
  scheme,
  secrets,
  toleranceMs,
}: z.infer<typeof standardWebhooksConfig>): Scheme {
  const keys = secrets.map(signingKey)

  return {
    claim({ headers }, nowMs) {
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

/** The bytes of a signing secret, which is written in base64. */
function signingKey(text: string): Buffer {
  return Buffer.from(text.replace(/^whsec_/, ''), 'base64')
}

function isSigningSecret(text: string): boolean {
  const { length } = signingKey(text)
  return /^(whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(text) && length >= 24 && length <= 64
}
