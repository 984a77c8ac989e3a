import { z } from 'zod'
import { Refused } from '../refused.ts'
import { isSignatureOf, PUBLIC_KEY_BYTES, publicKeyOf, SIGNATURE_BYTES } from './ed25519.ts'
import { deliveryId, presentOf, required } from './headers.ts'
import type { Scheme } from './scheme.ts'
import { secret, secretsOf } from './secrets.ts'
import { decode, HMAC_BYTES, isHmacOf } from './signature.ts'
import { checkTimestamp, tolerance } from './timestamp.ts'

const key = secret.refine(
  (text) => isSigningSecret(text) || isPublicKey(text),
  'expected base64 of 24 to 64 bytes, with or without whsec_ before it, or whpk_ and base64 of 32 bytes',
)

export const standardWebhooksConfig = z.strictObject({
  scheme: z.literal('standard-webhooks').meta({
    description:
      'How: signed as Standard Webhooks and Svix, GitHub, Shopify, Stripe or Judge.me do; `hmac` as the other keys say; a secret in a header; a token in the URL.',
  }),
  secrets: secretsOf(key),
  toleranceMs: tolerance,
})

/** Each signature of Ed25519 costs a pass over the body, so a sender who proves nothing may ask for so many at most. */
const MAX_V1A = 4

/**
 * HMAC-SHA256, or Ed25519, over `id.timestamp.body`, of the bytes as they are: text decoding would let different bodies
 * pass.
 */
export function standardWebhooks(config: z.infer<typeof standardWebhooksConfig>): Scheme {
  const { scheme, secrets, toleranceMs } = config
  const keys = secrets.filter((text) => !isPublicKey(text)).map(bytesOf)
  const publicKeys = secrets.filter(isPublicKey).map((text) => publicKeyOf(bytesOf(text)))

  return {
    claim({ headers }, nowMs) {
      const prefix = presentOf(headers, ['webhook-id', 'svix-id']).replace('-id', '')
      const id = deliveryId(headers, `${prefix}-id`)
      const timestamp = required(headers, `${prefix}-timestamp`)
      checkTimestamp(timestamp, nowMs, toleranceMs)
      const list = required(headers, `${prefix}-signature`)
      const v1 = keys.length === 0 ? [] : signaturesIn(list, 'v1,', HMAC_BYTES.sha256)
      const v1a = publicKeys.length === 0 ? [] : signaturesIn(list, 'v1a,', SIGNATURE_BYTES)
      if (v1.length + v1a.length === 0)
        throw new Refused(
          401,
          `expected v1,<base64> in ${prefix}-signature, or v1a,<base64> for a public key`,
        )
      if (v1a.length > MAX_V1A)
        throw new Refused(401, `expected at most ${MAX_V1A} signatures of v1a in ${prefix}-signature`)
      // Headers are read as latin1.
      const before = Buffer.from(`${id}.${timestamp}.`, 'latin1')
      return {
        delivery: id,
        verified: scheme,
        isProvenBy: (body) =>
          isHmacOf([before, body], v1, 'sha256', keys) || isSignatureOf([before, body], v1a, publicKeys),
      }
    },
  }
}

/** Those of one version in a list with spaces between; what can't be a signature, and other versions, are left out. */
function signaturesIn(list: string, version: string, length: number): readonly Buffer[] {
  return list.split(' ').flatMap((text) => {
    if (!text.startsWith(version)) return []
    return decode(text.slice(version.length), 'base64', length) ?? []
  })
}

/** The bytes of a key, which is written in base64. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text.replace(/^wh(sec|pk)_/, ''), 'base64')
}

function isSigningSecret(text: string): boolean {
  const { length } = bytesOf(text)
  return /^(whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(text) && length >= 24 && length <= 64
}

function isPublicKey(text: string): boolean {
  return /^whpk_[A-Za-z0-9+/]+={0,2}$/.test(text) && bytesOf(text).length === PUBLIC_KEY_BYTES
}
