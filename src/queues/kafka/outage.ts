import type { Logger } from '../../adapter.ts'

/** Tells of trouble that lasts when it begins and when it is over, not at each attempt. */
export interface Outage {
  /** Resolves to how long to wait before the next attempt. */
  failed(error: Error): number
  over(): void
}

const FIRST_MS = 100
const MOST_MS = 5_000

export function createOutage(what: string, logger: Logger): Outage {
  let failures = 0
  return {
    failed(error) {
      if (failures === 0)
        logger.warn({ err: error }, `${what} was interrupted: ${error.message}; it is tried again`)
      return Math.random() * Math.min(MOST_MS, FIRST_MS * 2 ** ++failures)
    },
    over() {
      if (failures > 0) logger.info({}, `${what} goes on`)
      failures = 0
    },
  }
}
