import { z } from 'zod'
import type { Scheme } from './scheme.ts'
import { secret, secretsOf } from './secrets.ts'
import { signedHeader } from './signed-header.ts'

export const judgemeConfig = z.strictObject({
  scheme: z.literal('judgeme').meta({ description: 'Signed as Judge.me does, in `JUDGEME-HMAC-SHA256`.' }),
  secrets: secretsOf(secret),
})

/** HMAC-SHA256 over the body, in hex. Proxies may give the header another name. Deliveries have no id. */
export function judgeme({ scheme, secrets }: z.infer<typeof judgemeConfig>): Scheme {
  return signedHeader({
    scheme,
    secrets,
    signatureHeaders: ['judgeme-hmac-sha256', 'x-judgeme-hmac-sha256'],
    algorithm: 'sha256',
    encoding: 'hex',
  })
}
