/** How long a receiver may take to answer. */
const LIMIT_MS = 10_000

/**
 * Posts a body of JSON. Resolves to why it was not taken, or to nothing where it was; never rejects, and never names the
 * URL, which is a secret. A redirect is not followed: it could lead the message elsewhere.
 */
export async function post(url: string, body: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
    })
    await response.body?.cancel().catch(() => {})
    return response.ok ? undefined : `it answered ${response.status}`
  } catch (error) {
    return reasonOf(error)
  }
}

/** Messages of errors may hold the URL; names and codes don't. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown error'
  if (error.name === 'TimeoutError') return `no answer within ${LIMIT_MS / 1000} s`
  const { cause } = error
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name
}
