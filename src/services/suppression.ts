import type { Cancellable } from '../batch.ts'
import { every } from '../lib/every.ts'
import { inParallel } from '../lib/parallel.ts'
import { halfOf } from '../review/key.ts'
import type { Registry } from '../stores/registry.ts'

/**
 * Reviews that were erased for good: neither the next poll nor the queue brings them back. The list holds only the half of
 * the record key that says which review it is, which is a digest.
 */
export interface Suppression extends AsyncDisposable {
  has(key: string): boolean
}

const LIST = 'suppressed/'
/** How old a process's view of the list may be. */
const REFRESH_MS = 1_000
/** So long after a review was put on the list every process has seen that. */
export const SETTLE_MS = 3 * REFRESH_MS

/** Reads the list, and again every second. While the registry can't be read, what is known holds. */
export async function openSuppression(
  registry: Registry,
  onTrouble: (error: unknown) => void,
): Promise<Suppression> {
  let halves = await suppressedIn(registry)
  const closed = new AbortController()

  async function refresh(): Promise<void> {
    halves = await suppressedIn(registry)
  }
  const refreshing = every(REFRESH_MS, refresh, closed.signal, onTrouble)

  return {
    has: (key) => halves.size > 0 && halves.has(halfOf(key)),
    async [Symbol.asyncDispose]() {
      closed.abort()
      await refreshing
    },
  }
}

/** Puts reviews on the list, where they are not. Their rows are left as they are. */
export async function suppress(
  halves: readonly string[],
  registry: Pick<Registry, 'compareAndSet'>,
  options?: Cancellable,
): Promise<void> {
  for (const half of halves) await registry.compareAndSet(LIST + half, 0, Buffer.alloc(0), options)
}

/** The whole list, as halves of record keys. */
export async function suppressedIn(registry: Registry): Promise<ReadonlySet<string>> {
  const halves = new Set<string>()
  for await (const { name } of registry.list(LIST)) halves.add(name.slice(LIST.length))
  return halves
}

/** Which of these records are of reviews that are erased, or about to be. It is asked for now, and so never behind. */
export async function erasedAmong(
  keys: readonly string[],
  registry: Pick<Registry, 'get'>,
  { signal }: { readonly signal: AbortSignal },
): Promise<ReadonlySet<string>> {
  const entries = await inParallel(keys, (key) => registry.get(LIST + halfOf(key), { signal }))
  return new Set(keys.filter((_, n) => entries[n] !== undefined))
}
