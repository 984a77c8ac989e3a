import { z } from 'zod'
import { bytes, duration } from '../../lib/fields.ts'
import { githubConfig } from './schemes/github.ts'
import { hmacConfig } from './schemes/hmac.ts'
import { judgemeConfig } from './schemes/judgeme.ts'
import { sharedSecretConfig } from './schemes/shared-secret.ts'
import { shopifyConfig } from './schemes/shopify.ts'
import { standardWebhooksConfig } from './schemes/standard-webhooks.ts'
import { stripeConfig } from './schemes/stripe.ts'
import { urlTokenConfig } from './schemes/url-token.ts'

const verify = z
  .union([
    z.literal('none'),
    z.discriminatedUnion('scheme', [
      standardWebhooksConfig,
      githubConfig,
      shopifyConfig,
      stripeConfig,
      judgemeConfig,
      hmacConfig,
      sharedSecretConfig,
      urlTokenConfig,
    ]),
  ])
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
  // Well below the time after which the listener gives up a connection on which nothing moves.
  deadlineMs: duration()
    .refine((ms) => ms <= 240_000, 'expected at most 4m')
    .prefault('20s')
    .meta({ description: 'How long the queue may take before the sender is asked to try again later.' }),
  queueDepth: count(1_000, 'How many requests may wait for the queue.'),
})

export type Config = z.infer<typeof config>
export type Verify = NonNullable<Config['verify']>
