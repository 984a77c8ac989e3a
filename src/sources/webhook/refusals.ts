import type { Logger } from '../../adapter.ts'
import type { Refused } from './refused.ts'

/** A status is told so often at most: whoever sends rubbish all day must not fill the log. */
const EVERY_MS = 60_000

/** Tells the operator of deliveries that were refused: of each status the first, and then how many, once a minute. */
export function createRefusals(
  source: string,
  logger: Logger,
  clock: () => number,
): (refused: Refused) => void {
  const told = new Map<Refused['status'], { at: number; since: number }>()

  return ({ status, message: reason }) => {
    const last = told.get(status)
    const deliveries = (last?.since ?? 0) + 1
    if (last !== undefined && clock() - last.at < EVERY_MS) {
      last.since = deliveries
      return
    }
    told.set(status, { at: clock(), since: 0 })
    logger.warn({ source, status, reason, deliveries }, 'refused deliveries')
  }
}
