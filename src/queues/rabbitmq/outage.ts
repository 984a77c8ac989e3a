import type { Logger } from '../../adapter.ts'
import { formatDuration } from '../../lib/units.ts'

/** Says once when reading stops, and once when it goes on. */
export interface Outage {
  readonly began: (error: unknown) => void
  readonly over: () => void
}

export function createOutage(logger: Logger, fields: object): Outage {
  let since: number | undefined
  return {
    began(error) {
      if (since !== undefined) return
      since = performance.now()
      const reason = error instanceof Error ? error.message : String(error)
      logger.warn(
        { ...fields, reason },
        'reading has stopped: what was not acknowledged comes again once the broker is back',
      )
    },
    over() {
      if (since === undefined) return
      logger.info(fields, `reading goes on after ${formatDuration(performance.now() - since)}`)
      since = undefined
    },
  }
}
