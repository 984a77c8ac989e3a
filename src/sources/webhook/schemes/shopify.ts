import { z } from 'zod'
import type { Scheme } from './scheme.ts'
import { secret, secretsOf } from './secrets.ts'
import { signedHeader } from './signed-header.ts'

export const shopifyConfig = z.strictObject({
  scheme: z.literal('shopify').meta({ description: 'Signed as Shopify does, in `X-Shopify-Hmac-Sha256`.' }),
  secrets: secretsOf(secret),
})

/** HMAC-SHA256 over the body, in base64. The id of the event stays over duplicates that the id of the delivery tells apart. */
export function shopify({ scheme, secrets }: z.infer<typeof shopifyConfig>): Scheme {
  return signedHeader({
    scheme,
    secrets,
    signatureHeaders: ['x-shopify-hmac-sha256'],
    algorithm: 'sha256',
    encoding: 'base64',
    deliveryHeaders: ['x-shopify-event-id', 'x-shopify-webhook-id'],
  })
}
