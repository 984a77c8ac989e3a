import type { Logger } from '../../adapter.ts'

/** Tells of the beginning and the end of trouble, however many have it and however often. */
export interface Outage {
  began(whose: object, error: unknown): void
  ended(whose: object): void
}

export function createOutage(logger: Logger, what: string): Outage {
  const troubled = new Set<object>()
  return {
    began(whose, error) {
      if (troubled.size === 0)
        logger.warn(
          { error },
          `${what} fails, and is tried again: ${error instanceof Error ? error.message : ''}`,
        )
      troubled.add(whose)
    },
    ended(whose) {
      if (troubled.delete(whose) && troubled.size === 0) logger.info({}, `${what} works again`)
    },
  }
}
