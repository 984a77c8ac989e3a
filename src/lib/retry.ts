import { setTimeout as sleep } from 'node:timers/promises'
import { TransientError } from '../errors.ts'

export interface RetryPolicy {
  readonly baseMs: number
  readonly maxMs: number
  readonly random?: () => number
  /** Told of every failed attempt that will be repeated. */
  readonly onFailure?: (error: TransientError) => void
}

/** Repeats `attempt` while it fails transiently, until `signal` aborts, whose reason it then throws. Full jitter. */
export async function retry<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  policy: RetryPolicy,
): Promise<T> {
  const { baseMs, maxMs, random = Math.random, onFailure } = policy
  for (let failures = 0; ; failures++) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      onFailure?.(error)
      const ceiling = Math.min(maxMs, baseMs * 2 ** failures)
      const waitMs = error.retryAfterMs ?? random() * ceiling
      await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

/** The same, and resolves to nothing where `signal` aborts. */
export async function retryUntilAborted<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  policy: RetryPolicy,
): Promise<T | undefined> {
  try {
    return await retry(attempt, signal, policy)
  } catch (error) {
    if (!signal.aborted) throw error
    return undefined
  }
}
