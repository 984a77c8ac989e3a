import type { SourceContext } from '../source.ts'
import { type Allowance, type Budget, createBudget, sustainable } from './budget.ts'
import type { Reached } from './checkpoint.ts'
import type { Config } from './config.ts'
import type { Crawl, Planned } from './crawl.ts'
import type { Time } from '../http/pace.ts'
import type { Urgency } from '../leases/roster.ts'
import { createPlanner, urgency } from './planner.ts'

/** A budget of calls, and how it is spent. */
export interface Planning {
  readonly budget: Budget
  /** What is known of a product behind a crawl, and when it is polled again. */
  plan(reached: Reached): Planned
  readonly urgencyOf: Urgency<Crawl>
}

export interface PlanningOptions {
  readonly allowances: readonly Allowance[]
  readonly config: Pick<Config, 'everyMs' | 'stalestMs'>
  readonly context: SourceContext
  /** Whether polls show all reviews of a product. */
  readonly isFull: boolean
  /** The crawls of this process, and how large a part of all products they have. */
  readonly share: () => { readonly crawls: Iterable<Crawl>; readonly part: number } | undefined
  readonly now: () => number
  readonly time: Time
}

export function createPlanning(options: PlanningOptions): Planning {
  const { allowances, context, isFull, share, now, time } = options
  const { everyMs, stalestMs } = options.config
  const planner = createPlanner({
    // Of what all processes may spend, each spends as large a part as that of its products.
    limits: () => ({
      everyMs,
      stalestMs,
      callsPerMs: sustainable(allowances) * (share()?.part ?? 1),
    }),
    known: () => Array.from(share()?.crawls ?? [], ({ observed }) => observed),
    now,
    random: time.random,
  })
  return {
    budget: createBudget({ ...context, allowances, sleep: time.sleep }),
    plan({ observed: before, startedAt: at, fresh, calls, count }) {
      const observed = planner.observe(before, { at, fresh, calls, shown: isFull ? undefined : count })
      return { observed, dueAt: at + planner.intervalMs(observed) }
    },
    urgencyOf: ({ polledAt, readyAt }, at) => urgency({ polledAt, dueAt: readyAt }, at),
  }
}
