import { setTimeout as sleep } from 'node:timers/promises'
import type { Queue } from './queues/queue.ts'
import { countsOf } from './services/ledger.ts'
import type { Registry } from './stores/registry.ts'

const DRAIN_CHECK_MS = 25
const SETTLED_CHECK_MS = 200

/** Resolves when all that is in the queue is stored, or the signal aborts. False where the broker can't tell. */
export async function caughtUp(queue: Queue, signal: AbortSignal): Promise<boolean> {
  if (queue.caughtUp) await queue.caughtUp('storage', { signal })
  else if (!queue.backlog) return false
  else while (!signal.aborted && (await backlog(queue)) !== 0) await sleep(DRAIN_CHECK_MS)
  return true
}

/** Resolves when so many numbers of a run are settled, whichever process settles them, or the signal aborts. */
export async function settled(
  count: number,
  { registry, run }: { readonly registry: Registry; readonly run: string },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { stored, rejected, unchanged } = await countsOf(registry, run)
    if (stored + rejected + unchanged >= count) return
    await sleep(SETTLED_CHECK_MS)
  }
}

/** Messages that the storage service has not acknowledged; undefined where the broker can't tell. */
export async function backlog(queue: Queue): Promise<number | undefined> {
  return queue.backlog?.('storage')
}
