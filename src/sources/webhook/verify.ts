import type { Verify } from './config.ts'
import { github } from './schemes/github.ts'
import { hmac } from './schemes/hmac.ts'
import { judgeme } from './schemes/judgeme.ts'
import type { Claim, Scheme } from './schemes/scheme.ts'
import { sharedSecret } from './schemes/shared-secret.ts'
import { shopify } from './schemes/shopify.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { stripe } from './schemes/stripe.ts'
import { urlToken } from './schemes/url-token.ts'

/** The scheme that a source asks of its senders. */
export function schemeOf(verify: Verify): Scheme {
  if (verify === 'none') return { claim: () => UNPROVEN }
  switch (verify.scheme) {
    case 'standard-webhooks':
      return standardWebhooks(verify)
    case 'github':
      return github(verify)
    case 'shopify':
      return shopify(verify)
    case 'stripe':
      return stripe(verify)
    case 'judgeme':
      return judgeme(verify)
    case 'hmac':
      return hmac(verify)
    case 'shared-secret':
      return sharedSecret(verify)
    case 'url-token':
      return urlToken(verify)
  }
}

const UNPROVEN: Claim = { isProvenBy: () => true }
