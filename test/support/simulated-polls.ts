import type { Limits } from '../../src/sources/http-poll/plan.ts'
import { plan } from '../../src/sources/http-poll/plan.ts'
import { released } from '../../src/sources/http-poll/budget.ts'
import { createPlanner, urgency } from '../../src/sources/http-poll/planner.ts'
import type { Observed, Poll } from '../../src/sources/http-poll/velocity.ts'
import { createRandom, type Random } from '../../src/lib/random.ts'

export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000

/** A provider whose products get reviews at random, and that shows the latest of each. Its clock is the simulation's. */
export interface World {
  /** New reviews per millisecond of each product at a time; it changes at midnight only. */
  readonly rateAt: (product: number, at: number) => number
  readonly products: number
  /** How many reviews a poll shows. */
  readonly shown: number
  readonly days: number
  /** So much of it is not measured: whoever learns has time to. */
  readonly warmUpDays: number
  readonly callsPerDay: number
  readonly seed: number
}

/** Decides when a product is polled next. */
export interface Schedule {
  readonly intervalMs: (product: number, at: number) => number
  readonly polled?: (product: number, poll: Poll) => void
}

export interface Outcome {
  readonly calls: number
  readonly seen: number
  readonly missed: number
  readonly newPer100Calls: number
  readonly missedShare: number
  /** Of all that appeared: how many were seen within a day. */
  readonly withinADay: number
  /** Of those that were seen: how long they waited. */
  readonly p50Ms: number
  readonly p95Ms: number
}

interface Product {
  readonly number: number
  dueAt: number
  polledAt: number
  nextAt: number
}

/**
 * Polls for some days, minute by minute, as often as the budget of a day allows, which is spread over the day. The first
 * poll of every product costs nothing and finds nothing new.
 */
export function simulate(world: World, schedule: Schedule): Outcome {
  const { rateAt, products, shown, days, warmUpDays, callsPerDay, seed } = world
  const measuredFrom = warmUpDays * DAY_MS
  const randoms = Array.from({ length: products }, (_, n) => createRandom(seed, n))
  const states = Array.from({ length: products }, (_, number): Product => {
    schedule.polled?.(number, { at: 0, fresh: shown, calls: 1, shown })
    return { number, dueAt: schedule.intervalMs(number, 0), polledAt: 0, nextAt: arrivalAfter(number, 0) }
  })
  const waited: number[] = []
  let [calls, missed, spent] = [0, 0, 0]

  function arrivalAfter(product: number, after: number): number {
    const random = randoms[product] as Random
    for (let at = after; ; ) {
      const arrival = at - Math.log(1 - random()) / rateAt(product, at)
      const midnight = (Math.floor(at / DAY_MS) + 1) * DAY_MS
      if (arrival < midnight) return arrival
      // What comes at random may be drawn anew at any time: here, with the rate of the next day.
      at = midnight
    }
  }

  function poll(state: Product, at: number): void {
    const { number: product } = state
    const arrivals: number[] = []
    for (; state.nextAt <= at; state.nextAt = arrivalAfter(product, state.nextAt)) arrivals.push(state.nextAt)
    const seen = arrivals.slice(-shown)
    if (at >= measuredFrom) {
      calls++
      missed += arrivals.length - seen.length
      waited.push(...seen.map((arrival) => at - arrival))
    }
    schedule.polled?.(product, { at, fresh: seen.length, calls: 1, shown })
  }

  for (let at = MINUTE_MS; at <= days * DAY_MS; at += MINUTE_MS) {
    if (at % DAY_MS === 0) spent = 0
    const left = released(callsPerDay, (at % DAY_MS) / DAY_MS) - spent
    if (left <= 0) continue
    const due = states.filter(({ dueAt }) => dueAt <= at).toSorted((a, b) => urgency(b, at) - urgency(a, at))
    for (const state of due.slice(0, left)) {
      poll(state, at)
      state.polledAt = at
      state.dueAt = at + schedule.intervalMs(state.number, at)
      spent++
    }
  }
  return outcomeOf(waited, missed, calls)
}

function outcomeOf(waited: number[], missed: number, calls: number): Outcome {
  waited.sort((a, b) => a - b)
  const quantile = (share: number): number => waited[Math.floor(share * waited.length)] ?? Number.NaN
  const appeared = waited.length + missed
  return {
    calls,
    seen: waited.length,
    missed,
    newPer100Calls: (100 * waited.length) / calls,
    missedShare: missed / appeared,
    withinADay: waited.filter((ms) => ms <= DAY_MS).length / appeared,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
  }
}

export const limitsOf = ({ callsPerDay }: Pick<World, 'callsPerDay'>): Limits => ({
  everyMs: MINUTE_MS,
  stalestMs: 7 * DAY_MS,
  callsPerMs: callsPerDay / DAY_MS,
})

/** Every product at the same interval, which spends the whole budget. */
export const fixed = ({ products, callsPerDay }: World): Schedule => ({
  intervalMs: (product, at) => (products / callsPerDay) * DAY_MS * (at === 0 ? (product + 1) / products : 1),
})

/** The same plan by somebody who knows how often each product gets reviews, at every time. */
export function oracle(world: World): Schedule {
  const { products, rateAt, shown } = world
  let madeFor = Number.NaN
  let intervals: readonly number[] = []
  return {
    intervalMs(product, at) {
      const day = Math.floor(at / DAY_MS)
      if (day !== madeFor) {
        const known = Array.from({ length: products }, (_, n) => certainly(rateAt(n, at), shown))
        const { intervalMs } = plan(known, limitsOf(world))
        intervals = known.map(intervalMs)
        madeFor = day
      }
      const intervalMs = intervals[product] as number
      return at === 0 ? (intervalMs * (product + 1)) / products : intervalMs
    },
  }
}

/** What is known of a product that was watched for so long that nothing is left to guess. */
function certainly(ratePerMs: number, shown: number): Observed {
  const exposureMs = 1e9 * DAY_MS
  return { polledAt: 0, fresh: ratePerMs * exposureMs, exposureMs, calls: 1, shown, doubt: 0 }
}

/** The planner, which begins without knowing anything. */
export function planned(world: World): Schedule {
  const known: (Observed | undefined)[] = Array.from({ length: world.products }, () => undefined)
  let now = 0
  const planner = createPlanner({
    limits: () => limitsOf(world),
    known: () => known,
    now: () => now,
    random: createRandom(world.seed),
  })
  return {
    intervalMs: (product, at) => {
      now = at
      return planner.intervalMs(known[product])
    },
    polled(product, poll) {
      now = poll.at
      known[product] = planner.observe(known[product], poll)
    },
  }
}

/** So many products, of which ten get nine tenths of the new reviews of a day. */
export function skewed(options: Partial<World> & Pick<World, 'callsPerDay' | 'seed'>): World {
  const products = 1_000
  const reviewsPerDay = 1_000
  const hot = (0.9 * reviewsPerDay) / 10 / DAY_MS
  const cold = (0.1 * reviewsPerDay) / (products - 10) / DAY_MS
  return {
    products,
    rateAt: (product) => (product < 10 ? hot : cold),
    shown: 10,
    days: 14,
    warmUpDays: 4,
    ...options,
  }
}
