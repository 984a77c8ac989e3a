import { HeadwaterError } from '../errors.ts'

/** Reads a time that a person typed: RFC 3339, a day, or how long ago such as `7d`. `name` is where; throws USAGE. */
export function parseTime(text: string, name: string, now: number): number {
  const ago = /^(\d+)(m|h|d)$/.exec(text)
  if (ago) return now - Number(ago[1]) * { m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as 'm' | 'h' | 'd']
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new HeadwaterError(
    'USAGE',
    `${name}: expected a time such as 2026-01-31T10:00:00Z, 2026-01-31 or 7d, found "${text}"`,
  )
}
