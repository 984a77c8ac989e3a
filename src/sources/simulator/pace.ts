/** How a rate is kept: so many items at a time, and how long to wait before the next. */
export interface Pace {
  readonly batchSize: number
  /** Milliseconds until the next batch is due; called once for each batch. */
  wait(now: number): number
}

const TICK_MS = 200
const LARGEST_BATCH = 1_000

/**
 * Keeps `rate` items a second on average. A delay of up to 200 ms is made up for; after a longer stall the rate goes on
 * as before, without a flood. Neither does a clock that is set back make it wait longer than one batch takes.
 */
export function createPace(rate: number, now: number): Pace {
  const batchSize = Math.min(Math.max(Math.round((rate * TICK_MS) / 1000), 1), LARGEST_BATCH)
  const periodMs = (batchSize * 1000) / rate
  let due = now

  return {
    batchSize,
    wait(now) {
      due = Math.min(Math.max(due, now - TICK_MS), now + periodMs)
      const waitMs = Math.max(due - now, 0)
      due += periodMs
      return waitMs
    },
  }
}
