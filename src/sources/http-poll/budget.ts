import { z } from 'zod'
import { abortable } from '../../lib/waiting.ts'
import { REAL_TIME, type Time } from '../http/pace.ts'
import type { SourceContext } from '../source.ts'

const PERIODS = ['hour', 'day', 'month'] as const

const allowance = z.strictObject({
  calls: z.int().min(1).meta({ description: 'How many requests there may be.' }),
  per: z
    .enum(PERIODS)
    .meta({ description: 'In which time: each hour, day or month of the calendar, in UTC.' }),
})

/** One allowance or several, which all hold at once; read as a list. */
export const budgetField = z
  .union([allowance, z.array(allowance).min(1)])
  .transform((given) => [given].flat())
  .refine(
    (given) => new Set(given.map(({ per }) => per)).size === given.length,
    'expected at most one each for hour, day and month',
  )

const state = z.partialRecord(z.enum(PERIODS), z.object({ since: z.number(), spent: z.number().min(0) }))

export type Allowance = z.output<typeof allowance>

/** How much of an allowance is spent in the time that runs now; in milliseconds since 1970, `until` excluded. */
export interface Spending extends Allowance {
  readonly since: number
  readonly until: number
  readonly spent: number
}

/**
 * What may be spent on calls, shared by all processes that poll under the same source. It survives restarts. Calls are
 * reserved some at a time, so that no more than the budget is ever made: what a killed process had reserved is lost until the
 * next hour, day or month begins. They are spread over that time, lest a few hours without any follow. Disposing of it gives back what was not used; nothing is taken afterwards.
 */
export interface Budget extends AsyncDisposable {
  /**
   * Resolves once a call may be made, and counts it; waits where nothing is left. Rejects with the reason of the signal, or
   * with what the registry throws.
   */
  take(signal: AbortSignal): Promise<void>
  /** How long there will be nothing to take, as was last seen: 0 where there may be. */
  readonly waitMs: number
}

export interface BudgetOptions extends Pick<SourceContext, 'name' | 'registry' | 'clock'> {
  readonly allowances: readonly Allowance[]
  readonly sleep?: Time['sleep']
}

/** This share of a budget may be spent before its time: all else is released little by little, until the period is over. */
const AHEAD = 0.1
/** So many calls are reserved at once, at most. */
const MOST_RESERVED = 100
/** So large a share of what is left is reserved at once: the last calls of a budget are for everyone. */
const RESERVED_SHARE = 0.05
/** After so long it looks again whether nothing is left: another process may have given something back. */
const LONGEST_SLEEP_MS = 60_000

export function createBudget({
  name: source,
  registry,
  clock,
  allowances,
  sleep = REAL_TIME.sleep,
}: BudgetOptions): Budget {
  const name = budgetName(source)
  let reserved: { readonly spendings: readonly Spending[]; left: number } = { spendings: [], left: 0 }
  let emptyUntil = 0
  let reserving: Promise<void> | undefined

  const isGood = (): boolean => reserved.left > 0 && reserved.spendings.every(({ until }) => clock() < until)

  /** Gives back what is left, as far as its time still runs, and takes what is wanted of that. */
  async function exchange(wanted: (left: number) => number): Promise<void> {
    const old = reserved
    // Whether a write that failed went through is unknown: what it gave back is given up.
    reserved = { spendings: [], left: 0 }
    while (true) {
      const entry = await registry.get(name)
      const spendings = spendingsOf(entry?.value, allowances, clock()).map((spending) => {
        const isSame = old.spendings.some(
          ({ per, since }) => per === spending.per && since === spending.since,
        )
        return isSame ? { ...spending, spent: Math.max(0, spending.spent - old.left) } : spending
      })
      const count = wanted(
        Math.min(...spendings.map((spending) => releasedOf(spending, clock()) - spending.spent)),
      )
      const isNothing = count === 0 && old.left === 0
      if (
        isNothing ||
        (await registry.compareAndSet(name, entry?.revision ?? 0, written(spendings, count)))
      ) {
        reserved = { spendings, left: count }
        emptyUntil = Math.max(
          ...spendings.map((spending) => releaseAt({ ...spending, spent: spending.spent + count })),
        )
        return
      }
    }
  }

  return {
    async take(signal) {
      while (true) {
        signal.throwIfAborted()
        if (isGood()) {
          reserved.left--
          return
        }
        reserving ??= exchange(someOf).finally(() => (reserving = undefined))
        await abortable(reserving, signal)
        if (!isGood()) await sleep(Math.min(LONGEST_SLEEP_MS, Math.max(1, emptyUntil - clock())), signal)
      }
    },
    get waitMs() {
      return isGood() ? 0 : Math.max(0, emptyUntil - clock())
    },
    async [Symbol.asyncDispose]() {
      await reserving?.catch(() => {})
      if (reserved.left > 0) await exchange(() => 0)
    },
  }
}

/** Where the registry keeps what a source has spent. */
export const budgetName = (source: string): string => `budget/${source}`

/** What may be spent all the time, in calls per millisecond; without an allowance there is no limit. */
export function sustainable(allowances: readonly Allowance[] = []): number {
  return Math.min(Infinity, ...allowances.map(({ calls, per }) => calls / LONGEST_MS[per]))
}

/** What is spent, by what the registry has. A clock that was ahead by more than one period is not believed. */
export function spendingsOf(
  value: Buffer | undefined,
  allowances: readonly Allowance[],
  now: number,
): readonly Spending[] {
  const saved = decode(value)
  return allowances.map(({ calls, per }) => {
    const { since, spent } = saved[per] ?? { since: 0, spent: 0 }
    const running = periodAt(per, now)
    // Another process may have gone on to the next period already, by its own clock.
    const isNext = since === running.until
    const period = isNext ? periodAt(per, since) : running
    return { calls, per, ...period, spent: since === period.since ? spent : 0 }
  })
}

/** How many of so many calls may be made once this share of their period is over. */
export function released(calls: number, share: number): number {
  return Math.ceil(calls * Math.min(1, share + AHEAD))
}

function releasedOf({ calls, since, until }: Spending, now: number): number {
  return released(calls, (now - since) / (until - since))
}

/** When there is one more call than were spent: in the next period, where there is none left. */
function releaseAt({ calls, since, until, spent }: Spending): number {
  return spent >= calls ? until : Math.floor(since + (until - since) * (spent / calls - AHEAD)) + 1
}

function written(spendings: readonly Spending[], more: number): Buffer {
  const entries = spendings.map(({ per, since, spent }) => [per, { since, spent: spent + more }])
  return Buffer.from(JSON.stringify(Object.fromEntries(entries)))
}

function decode(value: Buffer | undefined): z.output<typeof state> {
  try {
    return value === undefined ? {} : state.parse(JSON.parse(value.toString()))
  } catch {
    return {}
  }
}

const someOf = (left: number): number =>
  left <= 0 ? 0 : Math.min(MOST_RESERVED, Math.ceil(left * RESERVED_SHARE))

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LONGEST_MS = { hour: HOUR_MS, day: DAY_MS, month: 31 * DAY_MS } as const

function periodAt(per: Allowance['per'], at: number): { readonly since: number; readonly until: number } {
  if (per === 'month') {
    const date = new Date(at)
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
    return { since: Date.UTC(year, month), until: Date.UTC(year, month + 1) }
  }
  const length = LONGEST_MS[per]
  const since = Math.floor(at / length) * length
  return { since, until: since + length }
}
