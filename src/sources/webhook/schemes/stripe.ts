import { z } from 'zod'
import { Refused } from '../refused.ts'
import { required } from './headers.ts'
import type { Scheme } from './scheme.ts'
import { secret, secretsOf } from './secrets.ts'
import { decode, HMAC_BYTES, isHmacOf } from './signature.ts'
import { checkNotOld, tolerance } from './timestamp.ts'

export const stripeConfig = z.strictObject({
  scheme: z.literal('stripe').meta({ description: 'Signed as Stripe does, in `Stripe-Signature`.' }),
  secrets: secretsOf(secret),
  toleranceMs: tolerance,
})

const HEADER = 'stripe-signature'

/**
 * HMAC-SHA256 over `timestamp.body`, in hex. A secret counts as text, with its `whsec_`. Stripe gives deliveries no id, and
 * lets timestamps of the future pass.
 */
export function stripe({ scheme, secrets, toleranceMs }: z.infer<typeof stripeConfig>): Scheme {
  return {
    claim({ headers }, nowMs) {
      const { timestamp, signatures } = read(required(headers, HEADER))
      checkNotOld(timestamp, nowMs, toleranceMs)
      const before = Buffer.from(`${timestamp}.`)
      return {
        verified: scheme,
        isProvenBy: (body) => isHmacOf([before, body], signatures, 'sha256', secrets),
      }
    },
  }
}

/** The parts of `t=1614265330,v1=…,v1=…`. Other versions are left out: v0 is for tests of Stripe. */
function read(header: string): { readonly timestamp: string; readonly signatures: readonly Buffer[] } {
  const parts = header.split(',')
  const valuesOf = (key: string): string[] =>
    parts.flatMap((part) => (part.startsWith(`${key}=`) ? [part.slice(key.length + 1)] : []))
  const [timestamp, ...more] = valuesOf('t')
  if (timestamp === undefined || more.length > 0) throw new Refused(401, `expected one t= in ${HEADER}`)
  const signatures = valuesOf('v1').flatMap((text) => decode(text, 'hex', HMAC_BYTES.sha256) ?? [])
  if (signatures.length === 0) throw new Refused(401, `expected v1= and 64 hex digits in ${HEADER}`)
  return { timestamp, signatures }
}
