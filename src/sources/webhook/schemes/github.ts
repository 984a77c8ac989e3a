import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { Refused } from '../refused.ts'
import type { Scheme } from './scheme.ts'
import { optionalDelivery, required } from './headers.ts'
import { secret, secretsOf } from './secrets.ts'

export const githubConfig = z.strictObject({
  scheme: z
    .literal('github')
    .meta({ description: 'Signed as GitHub does, in `X-Hub-Signature-256`; others do the same.' }),
  secrets: secretsOf(secret),
})

const SIGNATURE = 'x-hub-signature-256'

/** HMAC-SHA256 over the body. No timestamp is signed: a delivery that somebody repeats is known by its record keys. */
export function github({ scheme, secrets }: z.infer<typeof githubConfig>): Scheme {
  return {
    claim({ headers }) {
      const hex = /^sha256=([0-9a-f]{64})$/i.exec(required(headers, SIGNATURE))?.[1]
      if (hex === undefined) throw new Refused(401, `expected sha256= and 64 hex digits in ${SIGNATURE}`)
      const given = Buffer.from(hex, 'hex')
      return {
        verified: scheme,
        ...optionalDelivery(headers, 'x-github-delivery'),
        isProvenBy: (body) =>
          secrets.some((text) => timingSafeEqual(given, createHmac('sha256', text).update(body).digest())),
      }
    },
  }
}
