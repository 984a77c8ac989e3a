/** A circuit breaker as plain data, for one that survives restarts. */
export interface Breaker {
  /** Open until a probe came through. */
  readonly isOpen: boolean
  /** The latest failures that count, oldest first. */
  readonly strikes: readonly Strike[]
}

export interface Strike {
  /** Milliseconds, by any clock that is never set back. */
  readonly at: number
  readonly isQuota: boolean
}

/** So many failures within so long open it: providers shut out who goes on and on, one of them after 25 in five minutes. */
export const MAX_STRIKES = 5
export const STRIKES_WITHIN_MS = 5 * 60_000
/** How long nothing is asked before a probe. */
export const OPEN_MS = 5 * 60_000

export const CLOSED: Breaker = { isOpen: false, strikes: [] }

export function afterFailure({ isOpen, strikes }: Breaker, strike: Strike): Breaker {
  const recent = strikes.filter(({ at }) => at > strike.at - STRIKES_WITHIN_MS && at <= strike.at)
  const counted = [...recent, strike].slice(-MAX_STRIKES)
  return { isOpen: isOpen || counted.length === MAX_STRIKES, strikes: counted }
}

/** What asked for too much is not forgiven because less was granted in between. The same object where nothing changes. */
export function afterSuccess(breaker: Breaker): Breaker {
  const strikes = breaker.strikes.filter(({ isQuota }) => isQuota)
  return breaker.isOpen || strikes.length === breaker.strikes.length ? breaker : { isOpen: false, strikes }
}
