import { duration } from '../../../lib/fields.ts'
import { Refused } from '../refused.ts'

/** The key of the schemes that sign a time. */
export const tolerance = duration().prefault('5m').meta({
  description:
    'How far the timestamp of a delivery may be from now, in either direction; with `stripe` only how old it may be.',
})

/** Refuses with 401 a timestamp that isn't in whole seconds since 1970, and one that is too old. */
export function checkNotOld(timestamp: string, nowMs: number, toleranceMs: number): void {
  if (nowMs - millisecondsOf(timestamp) > toleranceMs)
    throw new Refused(401, 'the timestamp of the delivery is too old')
}

/** Refuses with 401 also one that is too new. */
export function checkTimestamp(timestamp: string, nowMs: number, toleranceMs: number): void {
  checkNotOld(timestamp, nowMs, toleranceMs)
  if (millisecondsOf(timestamp) - nowMs > toleranceMs)
    throw new Refused(401, 'the timestamp of the delivery is too new')
}

function millisecondsOf(timestamp: string): number {
  if (!/^\d{1,12}$/.test(timestamp))
    throw new Refused(401, 'expected a timestamp in whole seconds since 1970')
  return Number(timestamp) * 1_000
}
