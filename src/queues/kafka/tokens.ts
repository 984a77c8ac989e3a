import { TransientError } from '../../errors.ts'
import type { SaslConfig } from './config.ts'

const LIMIT_MS = 5_000

type BearerConfig = Extract<SaslConfig, { mechanism: 'OAUTHBEARER' }>

/** What the client takes to log in with a token: one that lasts, or a new one for each login. */
export function tokens(config: BearerConfig) {
  const { mechanism, token } = config
  return { mechanism, token: token ?? (() => issue(config)) }
}

/** Asks for a token as a client with its credentials (RFC 6749, 4.4). */
async function issue({
  tokenUrl = '',
  clientId = '',
  clientSecret = '',
  scope,
}: BearerConfig): Promise<string> {
  const at = `queue.sasl.token_url ${new URL(tokenUrl).origin}`
  const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)
  const response = await fetch(tokenUrl, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials.toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) }),
    signal: AbortSignal.timeout(LIMIT_MS),
    redirect: 'error',
  }).catch((error: unknown) => {
    throw new TransientError('QUEUE_UNAVAILABLE', `${at}: can not be reached`, { cause: error })
  })
  const answer: unknown = await response.json().catch(() => undefined)
  const isToken = typeof answer === 'object' && answer !== null && 'access_token' in answer
  if (!response.ok || !isToken || typeof answer.access_token !== 'string')
    throw new TransientError('QUEUE_UNAVAILABLE', `${at}: expected a token, found status ${response.status}`)
  return answer.access_token
}
