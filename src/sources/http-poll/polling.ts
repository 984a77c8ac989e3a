import type { Percentiles, Polling } from '../source.ts'
import type { Crawl, Made } from './crawl.ts'

export interface Polled {
  /** Those of this process. */
  readonly crawls: Iterable<Crawl>
  /** How many products the source has, whoever polls them. */
  readonly products: number
  readonly made: Made
  /** When this process began to poll, and now; in milliseconds since 1970. */
  readonly startedAt: number
  readonly now: number
}

/** Looks at all crawls, which takes some milliseconds where they are 100,000. */
export function pollingOf({ crawls, products, made, startedAt, now }: Polled): Polling {
  const ages: number[] = []
  const discoveries: number[] = []
  let [fetched, told, missing] = [0, 0, 0]
  let isTold = false
  for (const crawl of crawls) {
    ages.push(Math.max(0, now - (crawl.polledAt || startedAt)))
    if (crawl.discoveryMs !== undefined) discoveries.push(crawl.discoveryMs)
    fetched += crawl.fetched ?? 0
    if (crawl.told === undefined) continue
    isTold = true
    told += crawl.told
    missing += missingOf(crawl) ?? 0
  }
  return {
    ...made,
    products,
    held: ages.length,
    told: isTold ? told : undefined,
    fetched,
    missing: isTold ? missing : undefined,
    stalenessMs: percentilesOf(ages),
    discoveryMs: percentilesOf(discoveries),
  }
}

/** What the provider says there is, and the last poll did not show; unknown where it says nothing. */
export function missingOf({
  told,
  fetched = 0,
}: {
  readonly told?: number | undefined
  readonly fetched?: number | undefined
}): number | undefined {
  return told === undefined ? undefined : Math.max(0, told - fetched)
}

/** Undefined where there are no values. */
export function percentilesOf(values: readonly number[]): Percentiles | undefined {
  const sorted = Float64Array.from(values).sort()
  const within = (share: number): number | undefined => sorted[Math.ceil(share * sorted.length) - 1]
  const [p50, p95] = [within(0.5), within(0.95)]
  return p50 === undefined || p95 === undefined ? undefined : { p50, p95 }
}

/** How many new reviews 100 calls found; undefined before the first call that could. */
export function per100Calls({ calls, fresh }: Readonly<Made>): number | undefined {
  return calls === 0 ? undefined : (100 * fresh) / calls
}
