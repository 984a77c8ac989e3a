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

/** Timers and clocks count in whole milliseconds, and may differ in the last ones. */
const TOLERANCE_MS = 20

export function createWatch(): Watch {
  let asked: readonly { wait: Wait; product: string; until: number }[] = []

  return {
    tell(wait, product, now) {
      asked = [...asked, { wait, product, until: now + wait.ms }]
    },
    arrive(product, now) {
      asked = asked.filter(({ until }) => until - TOLERANCE_MS > now)
      const broken = asked.find(({ wait, product: told }) => wait.scope === 'everybody' || told === product)
      if (broken === undefined) return undefined
      const { until, wait } = broken
      const message = `asked ${until - now} ms before the end of the ${wait.ms} ms that were told: ${wait.told}`
      return { kind: 'early', at: now, product, message }
    },
    forget(since) {
      asked = asked.filter(({ until, wait }) => until - wait.ms < since)
    },
  }
}
