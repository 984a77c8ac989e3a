import type { Cancellable } from '../batch.ts'
import { TransientError } from '../errors.ts'
import { formatBytes } from '../lib/units.ts'
import type { Arrival } from '../review/record.ts'
import type { Store } from '../stores/store.ts'

/** Holds what dead letters take of the store to a limit, so that a sender of rubbish can't fill the disk. */
export interface DeadLetterLimit {
  readonly maxBytes: number
  /** What they take now; undefined where the store can't tell. */
  bytes(options?: Cancellable): Promise<number | undefined>
  /** Throws a `TransientError` while there is no room: nothing is dropped, and the flow of dead letters waits. */
  makeSure(arrivals: readonly Pick<Arrival, 'status'>[], options?: Waiting): Promise<void>
}

interface Waiting extends Cancellable {
  /** Called again and again while the store finds out what they take, which some databases need minutes for. */
  readonly onWaiting?: (() => void) | undefined
}

/** Room is made by a person, who wants to see that it worked. */
const LOOK_AGAIN_MS = 1_000
const TELL_EVERY_MS = 10_000

export function createDeadLetterLimit(store: Store, maxBytes: number): DeadLetterLimit {
  async function bytes(options?: Cancellable): Promise<number | undefined> {
    return store.deadLetterBytes?.(options)
  }

  return {
    maxBytes,
    bytes,
    async makeSure(arrivals, options) {
      if (!arrivals.some(({ status }) => status === 'rejected')) return
      const taken = await tellingOf(bytes(options), options?.onWaiting)
      if (taken === undefined || taken < maxBytes) return
      throw new TransientError(
        'DEAD_LETTERS_FULL',
        `dead letters take ${formatBytes(taken)}, as much as dead_letters.max_bytes allows (${formatBytes(maxBytes)}); ` +
          'mend them (`headwater dlq clusters`), discard and purge them, or raise the limit',
        { retryAfterMs: LOOK_AGAIN_MS },
      )
    },
  }
}

async function tellingOf<T>(work: Promise<T>, onWaiting: () => void = () => {}): Promise<T> {
  const telling = setInterval(onWaiting, TELL_EVERY_MS)
  try {
    return await work
  } finally {
    clearInterval(telling)
  }
}
