import { setTimeout as sleep } from 'node:timers/promises'
import { retryUntilAborted } from './lib/retry.ts'
import type { Queue } from './queues/queue.ts'
import { countsOf } from './services/ledger.ts'
import type { Registry } from './stores/registry.ts'

const DRAIN_CHECK_MS = 25
const SETTLED_CHECK_MS = 200
/** A look that fails in passing is repeated: whoever reads and stores outlasts the same trouble. */
const AGAIN = { baseMs: 100, maxMs: 5_000 }

/**
 * Resolves when all that is in the queue is stored, or the signal aborts. False where the broker can't tell that of what
 * other processes have in hand.
 */
export async function caughtUp(queue: Queue, signal: AbortSignal): Promise<boolean> {
  if (queue.caughtUp) await queue.caughtUp('storage', { signal })
  else if (!queue.backlog) return false
  else
    while (!signal.aborted && (await retryUntilAborted(() => backlog(queue), signal, AGAIN)) !== 0)
      await sleep(DRAIN_CHECK_MS)
  return queue.caughtUp !== undefined
}

/** Resolves when so many numbers of a run are settled, whichever process settles them, or the signal aborts. */
export async function settled(
  count: number,
  { registry, run }: { readonly registry: Registry; readonly run: string },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const counts = await retryUntilAborted(() => countsOf(registry, run), signal, AGAIN)
    if (counts && counts.stored + counts.rejected + counts.unchanged >= count) return
    await sleep(SETTLED_CHECK_MS)
  }
}

/** Messages that the storage service has not acknowledged; undefined where the broker can't tell. */
export async function backlog(queue: Queue): Promise<number | undefined> {
  return queue.backlog?.('storage')
}
