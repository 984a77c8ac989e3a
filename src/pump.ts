import type { Batch, Outcome } from './batch.ts'
import type { TransientError } from './errors.ts'
import { type RetryPolicy, retry } from './lib/retry.ts'

/** Who looks after a loop from outside. */
export interface Watch {
  /** A batch was taken up or is done, so the loop turns. */
  readonly turned: () => void
  /** Nothing is under way; there is nothing to do. */
  readonly idle: () => void
  /** An attempt failed and will be repeated. */
  readonly trouble: (error: TransientError) => void
  /** So many items are safe and acknowledged, so long after they were taken up. */
  readonly settled: (items: number, ms: number) => void
}

export interface Pump<T> {
  readonly from: AsyncIterable<Batch<T>>
  /** Makes the items safe somewhere else. A `TransientError` means "again"; anything else thrown is a bug. */
  readonly into: (items: readonly T[], signal: AbortSignal) => Promise<readonly Outcome[]>
  /** Aborts work in progress. Stopping gently is the job of whoever made `from`. */
  readonly signal: AbortSignal
  /** Batches under way at once. */
  readonly inFlight?: number
  readonly policy?: RetryPolicy
  readonly watch?: Watch
}

/**
 * The whole pipeline: take a batch, make it safe somewhere else, and only then acknowledge it. A bug in one batch ends it:
 * what is under way finishes its attempt, and nothing is tried again.
 */
export async function pump<T>(options: Pump<T>): Promise<void> {
  const { from, into, signal, inFlight = 4, watch } = options
  const policy = { baseMs: 50, maxMs: 30_000, ...options.policy, ...(watch && { onFailure: watch.trouble }) }
  const running = new Set<Promise<void>>()
  const failed = new AbortController()
  const patience = AbortSignal.any([signal, failed.signal])
  let failure: { error: unknown } | undefined
  let giveUp = (): void => {}

  async function settle(batch: Batch<T>): Promise<void> {
    const startedAt = performance.now()
    const outcomes = await retry(() => into(batch.items, signal), patience, policy)
    await retry(() => batch.ack(outcomes), patience, policy)
    watch?.turned()
    watch?.settled(batch.items.length, performance.now() - startedAt)
  }

  function fail(error: unknown): void {
    failure ??= { error }
    failed.abort()
    giveUp()
  }

  const source = from[Symbol.asyncIterator]()

  /** The next batch, or nothing after a failure. To race against one lasting promise would keep every batch for ever. */
  function next(): Promise<IteratorResult<Batch<T>> | undefined> {
    return new Promise((resolve, reject) => {
      giveUp = () => resolve(undefined)
      source.next().then(resolve, reject)
    })
  }

  try {
    while (!failure) {
      const taken = await next()
      if (!taken || taken.done) break
      const task: Promise<void> = settle(taken.value)
        .catch(fail)
        .finally(() => {
          running.delete(task)
          if (running.size === 0) watch?.idle()
        })
      running.add(task)
      watch?.turned()
      while (running.size >= inFlight && !failure) await Promise.race(running)
    }
  } finally {
    await Promise.all(running)
    // A source that still waits for input ends when its own signal aborts; nobody waits for it here.
    void source.return?.().catch(() => {})
  }
  if (failure) throw failure.error
}
