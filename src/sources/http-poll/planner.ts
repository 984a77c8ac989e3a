import { type Limits, type Plan, plan } from './plan.ts'
import { type Observed, observe, type Poll } from './velocity.ts'

/** Spends a budget of calls where new reviews appear. It keeps no state that must survive: that is in what it returns. */
export interface Planner {
  /** What is known of a product after a poll of it. The caller keeps it, and saves it. */
  readonly observe: (known: Observed | undefined, poll: Poll) => Observed
  /** From the beginning of a product's last poll to that of the next one; a little at random, lest all go in step. */
  readonly intervalMs: (known: Observed | undefined) => number
  /** The plan in force: at most ten minutes old, unless nothing was observed since. */
  readonly plan: Plan
}

export interface PlannerOptions {
  /** Asked for when the plan is made anew, as `known` is. */
  readonly limits: () => Limits
  /** What is known of every product that is polled, in any order. */
  readonly known: () => readonly (Observed | undefined)[]
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly random: () => number
}

/** A plan takes as long as its products are many: it lasts until much was observed, or so long. */
const PLAN_LASTS_MS = 600_000
/** It is made anew once this share of all products was polled. */
const OBSERVED_SHARE = 0.1
/** So much longer or shorter an interval may be than it is planned. */
const JITTER = 0.1

export function createPlanner({ limits, known, now, random }: PlannerOptions): Planner {
  let current = plan(known(), limits())
  let madeAt = now()
  let observations = 0

  function upToDate(): Plan {
    const isOld = observations > 0 && Math.abs(now() - madeAt) >= PLAN_LASTS_MS
    if (!isOld && observations < Math.max(1, OBSERVED_SHARE * current.products)) return current
    current = plan(known(), limits())
    madeAt = now()
    observations = 0
    return current
  }

  return {
    observe(product, poll) {
      observations++
      return observe(product, poll, current.prior)
    },
    intervalMs(product) {
      const plannedMs = upToDate().intervalMs(product)
      // All products of a new source are polled at once, and then spread.
      const isNew = product === undefined || product.exposureMs === 0
      const { everyMs } = limits()
      return Math.max(everyMs, plannedMs * (isNew ? random() : 1 - JITTER + 2 * JITTER * random()))
    },
    get plan() {
      return upToDate()
    },
  }
}

/**
 * How many of its intervals a product has waited. Where the budget lets only some of those be polled that are due, these are
 * the ones with the most: a minute matters to a busy product, and a day hardly to a quiet one.
 */
export function urgency(
  { polledAt, dueAt }: { readonly polledAt: number; readonly dueAt: number },
  now: number,
): number {
  return (now - polledAt) / Math.max(1, dueAt - polledAt)
}
