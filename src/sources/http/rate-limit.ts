import type { IncomingHttpHeaders } from 'node:http'
import { parseDictionary, parseList } from 'structured-headers'
import { clockOf, LONGEST_WAIT_MS, retryAfterMs } from './retry-after.ts'

/** What one limit has left, and when that begins anew; undefined where it does not say. */
interface Limit {
  readonly remaining: number | undefined
  readonly resetMs: number | undefined
}

/** Before there was a standard draft, and in its first six versions. */
const PREFIXES = ['ratelimit', 'x-ratelimit', 'x-rate-limit']

/**
 * How long to wait before the next request, by the fields of an answer; undefined where none asks for it. `Retry-After`
 * goes before all others. A limit counts once nothing remains of it, and where `isQuota` says that the answer was about
 * limits also when it does not tell what remains. Never negative, never more than a day.
 */
export function waitMs(headers: IncomingHttpHeaders, isQuota: boolean, now: number): number | undefined {
  const date = headers['date']
  const asked = retryAfterMs(headers['retry-after'], date, now)
  if (asked !== undefined) return asked
  const isSpent = ({ remaining }: Limit): boolean => remaining === 0 || (isQuota && remaining === undefined)
  const theirNow = clockOf(date, now)
  const waits = [...structured(headers), ...PREFIXES.map((prefix) => plain(headers, prefix, theirNow))]
    .filter(isSpent)
    .flatMap(({ resetMs }) => resetMs ?? [])
  return waits.length === 0 ? undefined : Math.min(LONGEST_WAIT_MS, Math.ceil(Math.max(...waits)))
}

/** `RateLimit` as a list, or as a dictionary of its seventh draft. Where no reset is told, the window is the longest wait. */
function structured(headers: IncomingHttpHeaders): Limit[] {
  const field = lineOf(headers['ratelimit'])
  const policies = attempt(() => parseList(lineOf(headers['ratelimit-policy']))) ?? []
  const windows = new Map(policies.map(([name, told]) => [String(name), told.get('w')]))
  const listed = attempt(() => parseList(field))
  if (listed !== undefined) {
    return listed.map(([name, told]) => ({
      remaining: numberOf(told.get('r')),
      resetMs: secondsOf(told.get('t') ?? windows.get(String(name))),
    }))
  }
  const told = attempt(() => parseDictionary(field))
  if (told === undefined) return []
  return [{ remaining: numberOf(told.get('remaining')?.[0]), resetMs: secondsOf(told.get('reset')?.[0]) }]
}

function plain(headers: IncomingHttpHeaders, prefix: string, theirNow: number): Limit {
  const remaining = numbersIn(headers[`${prefix}-remaining`])
  const resets = numbersIn(headers[`${prefix}-reset`]).map((value) => untilReset(value, theirNow))
  return {
    remaining: remaining.length === 0 ? undefined : Math.min(...remaining),
    resetMs: resets.length === 0 ? undefined : Math.max(...resets),
  }
}

/**
 * A reset may be seconds from now, or a moment in seconds or milliseconds since 1970. Half of the present moment tells them
 * apart: no delta is of decades, and no moment decades old.
 */
function untilReset(value: number, theirNow: number): number {
  if (value >= theirNow / 2) return Math.max(0, value - theirNow)
  if (value >= theirNow / 2_000) return Math.max(0, value * 1_000 - theirNow)
  return value * 1_000
}

function numbersIn(field: string | string[] | undefined): number[] {
  return lineOf(field)
    .split(',')
    .map((text) => text.trim())
    .filter((text) => /^\d+(\.\d+)?$/.test(text))
    .map(Number)
}

const lineOf = (field: string | string[] | undefined): string => [field ?? []].flat().join(', ')

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && value >= 0 ? value : undefined

const secondsOf = (value: unknown): number | undefined => {
  const seconds = numberOf(value)
  return seconds === undefined ? undefined : seconds * 1_000
}

/** What a provider sends may be no structured field at all. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
