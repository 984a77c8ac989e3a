import { pick, type Random } from '../../../lib/random.ts'
import { allowanceForms } from './waits.ts'

/** What was left of the limit when a request came. */
export interface Left {
  /** Whether it was one request too many. */
  readonly isOver: boolean
  readonly remaining: number
  /** How long until the limit begins anew. */
  readonly resetMs: number
  /** What a page says of it. */
  readonly headers: Readonly<Record<string, string>>
}

/** So many requests in a window, which begins with the first one after the last window. */
export interface Limits {
  take(now: number): Left
}

const [FIRST = '', ...OTHERS] = Object.keys(allowanceForms)

/** Each window has a form of its own to tell of itself. */
export function createLimits(limit: number, windowMs: number, random: Random): Limits {
  const windowSeconds = Math.max(1, Math.round(windowMs / 1_000))
  let endsAt = 0
  let taken = 0
  let form = FIRST

  return {
    take(now) {
      if (now >= endsAt) {
        endsAt = now + windowMs
        taken = 0
        form = pick(random, [FIRST, ...OTHERS])
      }
      taken++
      const remaining = Math.max(0, limit - taken)
      const resetMs = endsAt - now
      const seconds = Math.ceil(resetMs / 1_000)
      const headers = allowanceForms[form]?.({ now, seconds, limit, windowSeconds, remaining }) ?? {}
      return { isOver: taken > limit, remaining, resetMs, headers }
    },
  }
}
