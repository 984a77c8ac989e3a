import { formatCount, formatDuration } from '../lib/units.ts'
import { per100Calls, percentilesOf } from '../sources/http-poll/polling.ts'
import type { Percentiles } from '../sources/source.ts'
import type { Polled } from './polled.ts'

/** How polling went, by what is saved of it; what is not known yet is undefined. */
export interface Measured {
  readonly newPer100Calls: number | undefined
  /** How long ago the last poll began that came to its end, over the products that had one. */
  readonly stalenessMs: Percentiles | undefined
  /** How long after the poll before it the latest new reviews were found, over the products of which any were. */
  readonly discoveryMs: Percentiles | undefined
  readonly neverPolled: number
}

export function measure(polled: readonly Polled[], now: number): Measured {
  const made = { calls: 0, fresh: 0 }
  const ages: number[] = []
  const discoveries: number[] = []
  for (const { yielded, polledAt, found } of polled.map(({ facts }) => facts)) {
    made.calls += yielded?.calls ?? 0
    made.fresh += yielded?.fresh ?? 0
    if (found !== undefined) discoveries.push(found.afterMs)
    if (polledAt !== undefined) ages.push(Math.max(0, now - polledAt))
  }
  return {
    newPer100Calls: rounded(per100Calls(made)),
    stalenessMs: percentilesOf(ages),
    discoveryMs: percentilesOf(discoveries),
    neverPolled: polled.length - ages.length,
  }
}

/** `measured: 12 new reviews per 100 calls; half of the products were polled within 3 min, 95 % within 2 h; 3 never` */
export function wordsOf({ newPer100Calls, stalenessMs, discoveryMs, neverPolled }: Measured): string {
  if (stalenessMs === undefined) return 'measured: nothing yet, since no product was polled to the end'
  const found =
    newPer100Calls === undefined
      ? 'no product was polled twice yet'
      : `${short(newPer100Calls)} new reviews per 100 calls`
  const { p50, p95 } = stalenessMs
  const waited =
    discoveryMs === undefined
      ? ''
      : `; the latest new reviews were found within ${formatDuration(discoveryMs.p50)} of the poll before for half of them, within ${formatDuration(discoveryMs.p95)} for 95 %`
  return `measured: ${found}; half of the products were polled within ${formatDuration(p50)}, 95 % within ${formatDuration(p95)}; ${formatCount(neverPolled)} never${waited}`
}

/** Without digits that mean nothing. */
export function rounded(value: number): number
export function rounded(value: number | undefined): number | undefined
export function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value.toPrecision(4))
}

export const short = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 4 })
