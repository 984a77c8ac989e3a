import { HeadwaterError } from '../errors.ts'

const AGO = /^(\d{1,6})(m|h|d)$/
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A day or a moment as RFC 3339 has them: what else `Date.parse` takes, it guesses. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/i

/**
 * Reads a time that a person typed: RFC 3339, a day in UTC, or how long ago such as `7d`. A moment without a zone is one of
 * this machine's. `name` is where; throws USAGE.
 */
export function parseTime(text: string, name: string, now: number): number {
  const ago = AGO.exec(text)
  if (ago) return now - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS]
  const time = MOMENT.test(text) ? Date.parse(text) : NaN
  if (!Number.isNaN(time)) return time
  throw new HeadwaterError(
    'USAGE',
    `${name}: expected a time such as 2026-01-31T10:00:00Z, 2026-01-31 or 7d, found "${text}"`,
  )
}
