import { z } from 'zod'
import { bytes, duration } from '../../lib/fields.ts'

const secret = z.string().min(1).meta({ secret: true, description: 'A secret shared with the sender.' })

const secrets = z.array(secret).min(1).meta({
  secret: true,
  description: 'Each of them is good, so that a secret can be replaced without a gap.',
})

const signingSecrets = z
  .array(
    secret.refine(isSigningSecret, 'expected base64 of 24 to 64 bytes, with or without whsec_ before it'),
  )
  .min(1)
  .meta({
    secret: true,
    description:
      'The signing secrets, `whsec_…`; each of them is good, so that one can be replaced without a gap.',
  })

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header')

const standardWebhooks = z.strictObject({
  scheme: z
    .literal('standard-webhooks')
    .meta({ description: 'Signed as standardwebhooks.com says; Svix too.' }),
  secrets: signingSecrets,
  toleranceMs: duration()
    .prefault('5m')
    .meta({ description: 'How far the timestamp of a delivery may be from now, in either direction.' }),
})

const sharedSecret = z.strictObject({
  scheme: z.literal('shared-secret').meta({ description: 'A header that holds a secret.' }),
  header: headerName.default('x-webhook-secret').meta({ description: 'The header that holds the secret.' }),
  secrets,
  deliveryHeader: headerName
    .optional()
    .meta({ description: 'The header that holds the id of a delivery, the same when it is sent again.' }),
})

const verify = z
  .union([z.literal('none'), z.discriminatedUnion('scheme', [standardWebhooks, sharedSecret])])
  .optional()
  .meta({
    description:
      'How a sender proves who it is: a scheme, or `none`. May be left out where only this machine can reach the listener.',
  })

function count(fallback: number, description: string) {
  return z.int().positive().default(fallback).meta({ description })
}

function size(fallback: string, description: string) {
  return bytes().prefault(fallback).meta({ description })
}

export const config = z.strictObject({
  path: z
    .string()
    .regex(/^\/[\w\-.~/]*$/, 'expected a path such as /hooks/partner: /, letters, digits, - . _ ~')
    .optional()
    .meta({ description: 'Where the sender posts to; `/hooks/<name of the source>` unless told.' }),
  verify,
  maxBodyBytes: size('10MiB', 'The largest body that is taken, as it is sent.'),
  maxInflatedBytes: size('100MiB', 'The largest body that is taken, once inflated.'),
  maxItems: count(100_000, 'The most reviews that one body may hold.'),
  maxInFlightBytes: size('256MiB', 'What all requests under way may hold in memory together.'),
  deadlineMs: duration()
    .prefault('20s')
    .meta({ description: 'How long the queue may take before the sender is asked to try again later.' }),
  queueDepth: count(1_000, 'How many requests may wait for the queue.'),
})

export type Config = z.infer<typeof config>
export type Verify = NonNullable<Config['verify']>
export type StandardWebhooks = z.infer<typeof standardWebhooks>
export type SharedSecret = z.infer<typeof sharedSecret>

/** The bytes of a signing secret, which is written in base64. */
export function signingKey(text: string): Buffer {
  return Buffer.from(text.replace(/^whsec_/, ''), 'base64')
}

function isSigningSecret(text: string): boolean {
  const { length } = signingKey(text)
  return /^(whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(text) && length >= 24 && length <= 64
}
