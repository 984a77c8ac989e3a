import { setTimeout as sleep } from 'node:timers/promises'
import { reviewHalves } from '../review/key.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store } from '../stores/store.ts'

/**
 * Reviews that were erased for good: neither the next poll nor the queue brings them back. The list holds only the half of
 * the record key that says which review it is, which is a digest.
 */
export interface Suppression extends AsyncDisposable {
  has(key: string): boolean
}

const LIST = 'suppressed/'
/** How old a process's view of the list may be; erasing waits for longer than this before it removes rows. */
const REFRESH_MS = 1_000
const SETTLE_MS = 3 * REFRESH_MS

/** Reads the list, and again every second. While the registry can't be read, what is known holds. */
export async function openSuppression(
  registry: Registry,
  onTrouble: (error: unknown) => void,
): Promise<Suppression> {
  let halves = await read(registry)
  const closed = new AbortController()

  async function refresh(): Promise<void> {
    while (!closed.signal.aborted) {
      try {
        await sleep(REFRESH_MS, undefined, { signal: closed.signal })
        halves = await read(registry)
      } catch (error) {
        if (!closed.signal.aborted) onTrouble(error)
      }
    }
  }
  const refreshing = refresh()

  return {
    has: (key) => halves.size > 0 && halves.has(halfOf(key)),
    async [Symbol.asyncDispose]() {
      closed.abort()
      await refreshing
    },
  }
}

/** Which review is to be forgotten: the one of a record, or all that go by an id at an origin. */
export type Erasure = { readonly key: string } | { readonly origin: string; readonly reviewId: string }

/** Puts the review on the list, waits until every process has seen that, and removes all its versions and dead letters. */
export async function eraseReview(
  erasure: Erasure,
  store: Store,
  registry: Registry,
  signal: AbortSignal,
): Promise<number> {
  const named = 'key' in erasure ? await idOf(erasure.key, store) : erasure
  const halves = new Set([
    ...('key' in erasure ? [halfOf(erasure.key)] : []),
    ...(named ? reviewHalves(named.origin, named.reviewId) : []),
  ])
  for (const half of halves) await registry.compareAndSet(LIST + half, 0, Buffer.alloc(0), { signal })
  await sleep(SETTLE_MS, undefined, { signal })
  const keys = new Set('key' in erasure ? await present([erasure.key], store) : [])
  if (named) {
    for await (const { records } of store.scan({ by: 'review', ...named, signal })) {
      for (const { key } of records) keys.add(key)
    }
  }
  await store.erase([...keys], { signal })
  return keys.size
}

async function idOf(key: string, store: Store): Promise<{ origin: string; reviewId: string } | undefined> {
  const row = (await store.get([key])).get(key)
  if (row?.verdict.status !== 'accepted') return undefined
  return { origin: row.received.origin, reviewId: row.verdict.review.review_id }
}

async function present(keys: readonly string[], store: Store): Promise<readonly string[]> {
  return [...(await store.get(keys)).keys()]
}

async function read(registry: Registry): Promise<ReadonlySet<string>> {
  const halves = new Set<string>()
  for await (const { name } of registry.list(LIST)) halves.add(name.slice(LIST.length))
  return halves
}

const halfOf = (key: string): string => key.slice(0, 16)
