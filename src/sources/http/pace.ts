import { setTimeout as delay } from 'node:timers/promises'
import type { Trouble } from './trouble.ts'

/** What waiting needs from the outside. */
export interface Time {
  /** Resolves after that time; rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  readonly random: () => number
}

export const REAL_TIME: Time = {
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
  random: Math.random,
}

/** No timer is set for longer; a clock that was put right is noticed so soon. */
const LONGEST_SLEEP_MS = 60_000
const BASE_MS = 1_000
const MAX_MS = 5 * 60_000
const SLOWEST_MS = 3_600_000
const SLOW_MS = 60_000
const FEW = 3

/** A clock that only goes forward: where the one behind it is set back, it goes on from the time it had. */
export function steady(clock: () => number): () => number {
  let last = clock()
  let ahead = 0
  return () => {
    const now = clock()
    ahead += Math.max(0, last - now)
    last = now
    return now + ahead
  }
}

/** Resolves when it is that time by `now`, wherever the moment has moved meanwhile; rejects when the signal aborts. */
export async function sleepUntil(
  moment: () => number,
  now: () => number,
  { sleep }: Time,
  signal: AbortSignal,
): Promise<void> {
  for (let ms = moment() - now(); ms > 0; ms = moment() - now()) {
    await sleep(Math.min(ms, LONGEST_SLEEP_MS), signal)
  }
}

/** How long to leave a provider alone after so many failures in a row: anything up to a bound that doubles. */
export function backOff(failures: number, random: () => number): number {
  return random() * Math.min(MAX_MS, BASE_MS * 2 ** (failures - 1))
}

/**
 * How long until the same page is asked for again. What a person has to mend is tried at a slow pace; a page that can't be
 * read may have been cut off on its way, and is tried a few times before that.
 */
export function patienceFor(
  trouble: Trouble,
  failures: number,
  everyMs: number,
  random: () => number,
): number {
  const mayPass = trouble.mayPass || (trouble.code === 'PAGE_UNREADABLE' && failures <= FEW)
  const own = mayPass ? backOff(failures, random) : Math.min(SLOWEST_MS, Math.max(SLOW_MS, everyMs))
  return Math.max(own, trouble.retryAfterMs ?? 0)
}
