import type { Wait } from './reply.ts'

/** What a poller must not do. */
export interface Violation {
  readonly kind: 'early' | 'overlap' | 'credentials' | 'beyond'
  /** Milliseconds since 1970. */
  readonly at: number
  readonly product: string
  /** What it did, and what it was told before, in a sentence. */
  readonly message: string
}

/** Remembers which waits were asked for, and tells who did not keep them. */
export interface Watch {
  tell(wait: Wait, product: string, now: number): void
  /** Whether this request came before it may, and by how much. */
  arrive(product: string, now: number): Violation | undefined
  /** Forgets what was told since then. */
  forget(since: number): void
}

interface Told {
  readonly wait: Wait
  readonly product: string
  readonly at: number
  /** How many requests may still cross it on their way. */
  crossing: number
}

/** Timers and clocks count in whole milliseconds, and may differ in the last ones. */
const TOLERANCE_MS = 20
/** What arrives so soon after a wait was told may have been sent before it was, or before another replica had heard of it. */
const ON_THE_WAY_MS = 1_000

/** Of a client that has so many requests under way at most, all but one may cross an answer. */
export function createWatch(requestsAtOnce: number): Watch {
  let all: readonly Told[] = []

  const untilOf = ({ wait, at }: Told): number => at + wait.ms

  function crosses(told: Told, now: number): boolean {
    return now - told.at < ON_THE_WAY_MS && told.crossing-- > 0
  }

  return {
    tell(wait, product, now) {
      // One product is asked for by one request at a time.
      const crossing = wait.scope === 'everybody' ? requestsAtOnce - 1 : 0
      all = [...all, { wait, product, at: now, crossing }]
    },
    arrive(product, now) {
      all = all.filter((told) => untilOf(told) - TOLERANCE_MS > now)
      const meant = all.filter(({ wait, product: to }) => wait.scope === 'everybody' || to === product)
      const broken = meant.find((told) => !crosses(told, now))
      if (broken === undefined) return undefined
      const early = untilOf(broken) - now
      const message = `asked ${early} ms before the end of the ${broken.wait.ms} ms that were told: ${broken.wait.told}`
      return { kind: 'early', at: now, product, message }
    },
    forget(since) {
      all = all.filter(({ at }) => at < since)
    },
  }
}
