import { z } from 'zod'
import { Refused } from '../refused.ts'
import type { Scheme } from './scheme.ts'
import { deliveryHeader, optionalDelivery } from './headers.ts'
import { createKnown, secret, secretsOf } from './secrets.ts'

/** Only what stands in a URL as it is, so that no two ways to write it are in doubt. */
const token = secret.regex(
  /^[\w.~-]{16,}$/,
  'expected at least 16 letters, digits and - . _ ~, such as openssl rand -hex 24 gives',
)

export const urlTokenConfig = z.strictObject({
  scheme: z
    .literal('url-token')
    .meta({ description: 'A secret in the query of the URL, for senders that can do nothing else.' }),
  param: z
    .string()
    .regex(/^[\w.~-]+$/, 'expected letters, digits and - . _ ~')
    .default('token')
    .meta({ description: 'The parameter of the query that holds the secret.' }),
  secrets: secretsOf(token),
  deliveryHeader,
})

/** The secret in the query of the URL. Nothing here or elsewhere repeats that query. */
export function urlToken(config: z.infer<typeof urlTokenConfig>): Scheme {
  const { scheme, param, secrets, deliveryHeader: idName } = config
  const isKnown = createKnown(secrets)

  return {
    claim({ headers, url = '' }) {
      const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
      const [given, ...more] = new URLSearchParams(query).getAll(param)
      if (given === undefined || more.length > 0)
        throw new Refused(401, `expected one ${param} in the query of the URL`)
      if (!isKnown(Buffer.from(given))) throw new Refused(401, `the ${param} in the URL is not known`)
      return { verified: scheme, ...optionalDelivery(headers, idName), isProvenBy: () => true }
    },
  }
}
