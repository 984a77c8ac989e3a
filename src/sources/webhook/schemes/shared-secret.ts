import { z } from 'zod'
import { Refused } from '../refused.ts'
import type { Scheme } from './scheme.ts'
import { deliveryHeader, headerName, optionalDelivery, required } from './headers.ts'
import { createKnown, secret, secretsOf } from './secrets.ts'

export const sharedSecretConfig = z.strictObject({
  scheme: z.literal('shared-secret').meta({ description: 'A header that holds a secret.' }),
  header: headerName.default('x-webhook-secret').meta({ description: 'The header that holds the secret.' }),
  secrets: secretsOf(secret),
  deliveryHeader,
})

/** The secret itself in a header. */
export function sharedSecret(config: z.infer<typeof sharedSecretConfig>): Scheme {
  const { scheme, header: name, secrets, deliveryHeader: idName } = config
  const isKnown = createKnown(secrets)

  return {
    claim({ headers }) {
      // Headers are read as latin1, secrets as UTF-8.
      if (!isKnown(Buffer.from(required(headers, name), 'latin1')))
        throw new Refused(401, `the ${name} is not known`)
      return { verified: scheme, ...optionalDelivery(headers, idName), isProvenBy: () => true }
    },
  }
}
