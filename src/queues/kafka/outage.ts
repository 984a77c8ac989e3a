import type { Logger } from '../../adapter.ts'

/** Tells of trouble that lasts when it begins and when it is over, not at each attempt. */
export interface Outage {
  /** Resolves to how long to wait before the next attempt. */
  failed(error: Error): number
  over(): void
}

const FIRST_MS = 100
const MOST_MS = 5_000
/** Longer than any pause between two attempts. */
export const CALM_MS = 6_000

/** It is over only when nothing has failed for `calmMs`: one of several brokers may be away while others answer. */
export function createOutage(what: string, logger: Logger, calmMs = 0): Outage {
  let failures = 0
  let failedAt = 0
  return {
    failed(error) {
      if (failures === 0)
        logger.warn({ err: error }, `${what} was interrupted: ${error.message}; it is tried again`)
      failedAt = performance.now()
      return Math.random() * Math.min(MOST_MS, FIRST_MS * 2 ** ++failures)
    },
    over() {
      if (failures === 0 || performance.now() - failedAt < calmMs) return
      logger.info({}, `${what} goes on`)
      failures = 0
    },
  }
}
