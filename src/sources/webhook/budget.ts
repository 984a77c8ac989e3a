import { Refused } from './refused.ts'

/** The bytes that all requests of one source may hold in memory together. */
export interface Budget {
  /** One request's part of it, empty at first. */
  open(): Share
}

/** Disposing gives back all that is left; safe to repeat. */
export interface Share extends Disposable {
  /**
   * Counts bytes that are about to be held. Refuses with 503 what doesn't fit beside the other requests; a request that
   * is alone always fits, whatever its size, so that none is refused for ever.
   */
  take(bytes: number): void
  give(bytes: number): void
}

export function createBudget(maxBytes: number): Budget {
  let used = 0

  function open(): Share {
    let held = 0
    function take(bytes: number): void {
      const alone = used === held
      if (used + bytes > maxBytes && !alone)
        throw new Refused(503, 'too many bytes are under way; try again later')
      held += bytes
      used += bytes
    }
    function give(bytes: number): void {
      held -= bytes
      used -= bytes
    }
    return { take, give, [Symbol.dispose]: () => give(held) }
  }

  return { open }
}
