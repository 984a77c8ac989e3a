import type { Outcome } from '../batch.ts'
import type { Arrival } from '../review/record.ts'
import type { Metrics } from './metrics.ts'

/** What this process did, for a person to look at. Proof is in the ledger: these numbers end with the process. */
export interface Tally {
  readonly received: number
  readonly published: number
  /** Published by this process before, and left out. */
  readonly repeated: number
  /** Accepted reviews newly written to the store. */
  readonly stored: number
  /** Dead letters newly written to the store. */
  readonly rejected: number
  /** Keys that the store had already. */
  readonly unchanged: number
  /** From received to stored, of the oldest item of the latest batch. */
  readonly freshnessMs: number | undefined
}

export interface Counting {
  readonly tally: Tally
  /** A batch of a source is safe in the queue. */
  safe(source: string, outcomes: readonly Outcome[]): void
  /** A source met so many items again, and did not hand them over. */
  repeated(source: string, items: number): void
  /** A batch is settled in the store. */
  settled(clock: () => number): (batch: readonly Settled[]) => void
}

interface Settled {
  readonly arrival: Pick<Arrival, 'received'>
  readonly as: 'stored' | 'rejected' | 'unchanged'
}

/** Counts for the terminal and for the metrics at once. */
export function createCounting(metrics: Metrics): Counting {
  const tally = {
    received: 0,
    published: 0,
    repeated: 0,
    stored: 0,
    rejected: 0,
    unchanged: 0,
    freshnessMs: undefined as number | undefined,
  }
  return {
    tally,
    safe(source, outcomes) {
      const repeated = outcomes.filter((outcome) => outcome === 'unchanged').length
      const published = outcomes.length - repeated
      tally.received += outcomes.length
      tally.published += published
      tally.repeated += repeated
      metrics.received(source, outcomes.length)
      metrics.published(source, published)
      metrics.unchanged(source, repeated)
      metrics.rejected(source, outcomes.filter((outcome) => typeof outcome === 'object').length)
    },
    repeated(source, items) {
      tally.received += items
      tally.repeated += items
      metrics.received(source, items)
      metrics.unchanged(source, items)
    },
    settled: (clock) => (batch) => {
      const now = clock()
      for (const [source, { stored, rejected, unchanged, oldest }] of bySource(batch)) {
        tally.stored += stored
        tally.rejected += rejected
        tally.unchanged += unchanged
        // Another machine's clock may be ahead of this one's.
        const freshnessMs = Math.max(0, now - oldest)
        tally.freshnessMs = freshnessMs
        metrics.freshness(source, freshnessMs / 1000)
        metrics.stored(source, stored)
        metrics.unchanged(source, unchanged)
      }
    },
  }
}

interface Share extends Record<Settled['as'], number> {
  /** When the first of these items was received. */
  oldest: number
}

function bySource(batch: readonly Settled[]): ReadonlyMap<string, Share> {
  const shares = new Map<string, Share>()
  for (const { arrival, as } of batch) {
    const { receivedAt, context } = arrival.received
    let share = shares.get(context.source)
    if (!share) {
      share = { stored: 0, rejected: 0, unchanged: 0, oldest: receivedAt }
      shares.set(context.source, share)
    }
    share[as]++
    if (receivedAt < share.oldest) share.oldest = receivedAt
  }
  return shares
}
