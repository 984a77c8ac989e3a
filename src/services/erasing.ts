import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { inGroupsOf } from '../lib/parallel.ts'
import { isDiscarded } from '../review/verdict.ts'
import { overwrite, type Registry } from '../stores/registry.ts'
import type { Store } from '../stores/store.ts'
import { forget } from './forget.ts'
import { erasedAmong, SETTLE_MS, suppress } from './suppression.ts'

/** Keys that are being erased: once a row is gone, nothing else leads to what an erasure that was cut off has left of it. */
export const ERASING = 'erasing/'
/** Some registries limit what an entry holds. */
const KEYS_AN_ENTRY = 500

export interface Erasable {
  readonly store: Pick<Store, 'get' | 'erase'>
  readonly registry: Registry
}

/**
 * Puts reviews on the list, waits until every process has seen that, and removes all their versions and dead letters. What is
 * written for longer than it waits is removed by who writes it. `halves` say which reviews. Resolves to the keys that are gone.
 * Safe to repeat.
 */
export async function eraseReviews(
  halves: readonly string[],
  { store, registry }: { readonly store: Store; readonly registry: Registry },
  signal: AbortSignal,
): Promise<readonly string[]> {
  await suppress(halves, registry, { signal })
  await sleep(SETTLE_MS, undefined, { signal })
  const keys: string[] = []
  for (const half of halves) {
    for await (const { records } of store.scan({ by: 'review', half, signal })) {
      keys.push(...records.map(({ key }) => key))
    }
  }
  await eraseRecords(keys, { store, registry }, signal)
  await finishErasures({ store, registry }, signal)
  return keys
}

/**
 * Removes records for good. `choose` says which of them are still to go, and is asked right before; what is cut off is left to
 * `finishErasures`.
 */
export async function eraseRecords(
  keys: readonly string[],
  { store, registry }: Erasable,
  signal: AbortSignal,
  choose: (some: readonly string[]) => Promise<readonly string[]> = async (some) => some,
): Promise<void> {
  for (const some of inGroupsOf(KEYS_AN_ENTRY, keys)) {
    const name = ERASING + randomUUID()
    await overwrite(registry, name, Buffer.from(some.join(' ')), { signal })
    await store.erase(await choose(some), { signal })
    await forget(registry, name)
  }
}

/**
 * Finishes what erasures that were cut off have left, of any process. One that is under way elsewhere is done twice, which does no
 * harm. One that can not be finished keeps none of the others from it; what failed first is thrown at the end.
 */
export async function finishErasures({ store, registry }: Erasable, signal: AbortSignal): Promise<void> {
  // The store may have noted something itself.
  await store.erase([], { signal })
  let failure: { readonly error: unknown } | undefined
  for await (const { name, value } of registry.list(ERASING, { signal })) {
    const keys = value.toString().split(' ')
    try {
      await store.erase(await stillToErase(keys, { store, registry }, signal), { signal })
      await forget(registry, name)
    } catch (error) {
      failure ??= { error }
    }
  }
  if (failure) throw failure.error
}

/** All but letters that were purged, and were redriven or came again since. */
async function stillToErase(
  keys: readonly string[],
  { store, registry }: Erasable,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const erased = await erasedAmong(keys, registry, { signal })
  const rows = await store.get(
    keys.filter((key) => !erased.has(key)),
    { signal },
  )
  return keys.filter((key) => {
    const row = rows.get(key)
    return !row || isDiscarded(row.verdict)
  })
}
