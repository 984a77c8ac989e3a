import type { Cancellable } from '../batch.ts'
import { every } from '../lib/every.ts'
import { inParallel } from '../lib/parallel.ts'
import { correctionKey, halfOf } from '../review/key.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store } from '../stores/store.ts'

/**
 * Reviews that were erased for good: neither the next poll nor the queue brings them back. The list holds only the half of
 * the record key that says which review it is, which is a digest.
 */
export interface Suppression extends AsyncDisposable {
  /** By this process's view of the list, which may be behind. */
  has(key: string): boolean
  /** Which of these are of erased reviews; asks where the view is so old that an erasure it lacks may have waited to its end by now. */
  among(keys: readonly string[], options: { readonly signal: AbortSignal }): Promise<ReadonlySet<string>>
}

const LIST = 'suppressed/'
const REFRESH_MS = 1_000
/** How old a process's view of the list may be. */
const FRESH_MS = 2 * REFRESH_MS
/** So long after a review was put on the list every process has seen that, or removes what it writes later. */
export const SETTLE_MS = 3 * REFRESH_MS

/** Reads the list, and again every second. While the registry can't be read, what is known holds. */
export async function openSuppression(
  registry: Registry,
  onTrouble: (error: unknown) => void,
): Promise<Suppression> {
  let view = await look()
  const closed = new AbortController()

  async function look() {
    const begunAt = performance.now()
    return { begunAt, halves: await suppressedIn(registry) }
  }

  async function refresh(): Promise<void> {
    view = await look()
  }
  const refreshing = every(REFRESH_MS, refresh, closed.signal, onTrouble)
  const has = (key: string): boolean => view.halves.size > 0 && view.halves.has(halfOf(key))

  return {
    has,
    async among(keys, options) {
      const isFresh = performance.now() - view.begunAt <= FRESH_MS
      return isFresh ? new Set(keys.filter(has)) : erasedAmong(keys, registry, options)
    },
    async [Symbol.asyncDispose]() {
      closed.abort()
      await refreshing
    },
  }
}

/**
 * Follows whatever writes records of these keys: an erasure may have begun since they were last looked for, and doesn't wait for
 * a write that takes long. Removes what they have left in the store, now or by an attempt before, where their reviews are erased.
 * Resolves to the keys of those.
 */
export async function removeErased(
  keys: readonly string[],
  {
    store,
    suppression,
  }: { readonly store: Pick<Store, 'erase'>; readonly suppression: Omit<Suppression, symbol> },
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const erased = await suppression.among(keys, { signal })
  const places = new Set([...erased].flatMap((key) => [key, correctionKey(key)]))
  if (places.size > 0) await store.erase([...places], { signal })
  return erased
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
export async function suppressedIn(registry: Registry, options?: Cancellable): Promise<ReadonlySet<string>> {
  const halves = new Set<string>()
  for await (const { name } of registry.list(LIST, options)) halves.add(name.slice(LIST.length))
  return halves
}

/** Which of these records are of reviews that are erased, or about to be. It is asked for now, and so never behind. */
export async function erasedAmong(
  keys: readonly string[],
  registry: Pick<Registry, 'get'>,
  { signal }: { readonly signal: AbortSignal },
): Promise<ReadonlySet<string>> {
  const halves = [...new Set(keys.map(halfOf))]
  const entries = await inParallel(halves, (half) => registry.get(LIST + half, { signal }))
  const erased = new Set(halves.filter((_, n) => entries[n] !== undefined))
  return new Set(keys.filter((key) => erased.has(halfOf(key))))
}
