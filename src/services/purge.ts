import { isDiscarded } from '../review/verdict.ts'
import type { Stored } from '../stores/store.ts'
import { type Erasable, eraseRecords, finishErasures } from './erasing.ts'

export interface Purge extends Erasable {
  /** Only counts. */
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

/** How many rows went, and how many bytes of raw they had. */
export interface Purged {
  readonly count: number
  readonly bytes: number
}

const ERASED_AT_ONCE = 500
const ERASED_BYTES = 4 * 1024 * 1024

/**
 * Erases discarded dead letters for good, and tells what is gone portion by portion. Each is looked at again right before: one
 * that somebody has redriven since it was found is a review, and stays. Then finishes what was cut off before.
 */
export async function* purge(
  found: AsyncIterable<Stored>,
  { store, registry, dryRun, signal }: Purge,
): AsyncGenerator<Purged> {
  let keys: string[] = []
  let bytes = 0

  async function erase(): Promise<Purged> {
    const gone: Stored[] = []
    async function discarded(some: readonly string[]): Promise<readonly string[]> {
      const rows = [...(await store.get(some, { signal })).values()].filter(({ verdict }) =>
        isDiscarded(verdict),
      )
      gone.push(...rows)
      return rows.map(({ key }) => key)
    }
    await (dryRun ? discarded(keys) : eraseRecords(keys, { store, registry }, signal, discarded))
    ;[keys, bytes] = [[], 0]
    return {
      count: gone.length,
      bytes: gone.reduce((sum, { received: { raw } }) => sum + raw.length, 0),
    }
  }

  for await (const { key, received } of found) {
    keys.push(key)
    bytes += received.raw.length
    if (keys.length >= ERASED_AT_ONCE || bytes >= ERASED_BYTES) yield erase()
  }
  if (keys.length > 0) yield erase()
  if (!dryRun) await finishErasures({ store, registry }, signal)
}
