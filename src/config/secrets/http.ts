import { Agent, interceptors, request } from 'undici'
import type { Answer } from './secret-manager.ts'

export interface Reply {
  readonly status: number
  readonly body: string
}

// Nothing stays open behind a request: a config is read once.
const dispatcher = new Agent({ pipelining: 0 }).compose(
  interceptors.retry({ maxRetries: 2, minTimeout: 200, maxTimeout: 1_000, throwOnError: false }),
)

/** What a server says, whatever its status. Asked up to three times where it can't be reached, is busy or unwell. */
export async function get(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer<Reply>> {
  try {
    const { statusCode: status, body } = await request(url, { dispatcher, headers, signal })
    return { value: { status, body: await body.text() } }
  } catch (error) {
    return { problem: `cannot reach ${new URL(url).origin}: ${networkReason(error)}` }
  }
}

/** Why a server was not reached, by its code alone: a message of somebody else's may hold what was sent. */
export function networkReason(error: unknown): string {
  const code = codeOf(error) ?? 'the connection failed'
  const isUntrusted = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code)
  return isUntrusted ? `${code}; NODE_EXTRA_CA_CERTS names a file of authorities to trust` : code
}

/** The code of an error or of what caused it, such as ECONNREFUSED. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return code ?? codeOf(error.cause)
}
