import { z } from 'zod'
import type { Scheme } from './scheme.ts'
import { secret, secretsOf } from './secrets.ts'
import { signedHeader } from './signed-header.ts'

export const githubConfig = z.strictObject({
  scheme: z
    .literal('github')
    .meta({ description: 'Signed as GitHub does, in `X-Hub-Signature-256`; others do the same.' }),
  secrets: secretsOf(secret),
})

/** HMAC-SHA256 over the body. No timestamp is signed: a delivery that somebody repeats is known by its record keys. */
export function github({ scheme, secrets }: z.infer<typeof githubConfig>): Scheme {
  return signedHeader({
    scheme,
    secrets,
    signatureHeaders: ['x-hub-signature-256'],
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: 'sha256=',
    deliveryHeaders: ['x-github-delivery'],
  })
}
