import type { Environment } from '../app.ts'
import type { SourceConfig } from '../config/schema.ts'
import { formatCount, formatDuration } from '../lib/units.ts'
import { budgetName, type Spending, spendingsOf, sustainable } from '../sources/http-poll/budget.ts'
import { type Plan, plan } from '../sources/http-poll/plan.ts'
import { rateOf } from '../sources/http-poll/velocity.ts'
import type { Registry } from '../stores/registry.ts'
import { type Io, parseCount } from './command.ts'
import { type Measured, measure, rounded, short, wordsOf } from './measured.ts'
import { openRegistry } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import { ago, leading, type Polled, polledBy, pollers, settingsOf } from './polled.ts'
import type { ProductOptions } from './sources.ts'

const DAY_MS = 86_400_000

/** What will be spent on each source that polls, and on which products. */
export async function tellPlans(
  { source, product, limit }: ProductOptions,
  env: Environment & { readonly json: boolean },
  io: Io,
): Promise<void> {
  const count = parseCount(limit, '--limit')
  await using registry = await openRegistry(env)
  for (const config of pollers(env.config.sources, source)) {
    const made = await planOf(config, registry, io.signal)
    const shown = leading(
      made.lines.filter((line) => product === undefined || line.product === product),
      count,
      (a, b) => b.callsPerDay - a.callsPerDay,
    )
    if (env.json) await writeJson(io, documentOf(made, shown))
    else await write(io, textOf(made, shown))
  }
}

interface Made {
  readonly source: string
  readonly everyMs: number
  readonly stalestMs: number | undefined
  readonly budget: readonly Spending[]
  readonly plan: Plan
  readonly measured: Measured
  readonly lines: readonly Line[]
}

/** What is planned for a product. */
interface Line {
  readonly product: string
  readonly intervalMs: number
  readonly newPerDay: number
  readonly newPerCall: number
  readonly callsPerDay: number
  readonly polledAt: number | undefined
}

async function planOf(source: SourceConfig, registry: Registry, signal: AbortSignal): Promise<Made> {
  const { everyMs, stalestMs, budget = [] } = settingsOf(source)
  const polled = await polledBy(source, { registry, signal })
  const entry = await registry.get(budgetName(source.name))
  const limits = { everyMs, stalestMs, callsPerMs: sustainable(budget) }
  const made = plan(
    polled.map(({ facts }) => facts.observed),
    limits,
  )
  return {
    source: source.name,
    everyMs,
    stalestMs: budget.length > 0 ? stalestMs : undefined,
    budget: spendingsOf(entry?.value, budget, Date.now()),
    plan: made,
    measured: measure(polled, Date.now()),
    lines: polled.map((one) => lineOf(one, made)),
  }
}

function lineOf({ product, facts: { observed, polledAt } }: Polled, made: Plan): Line {
  const intervalMs = made.intervalMs(observed)
  const calls = made.callsPerPoll(observed)
  return {
    product,
    intervalMs,
    newPerDay: rateOf(observed, made.prior) * DAY_MS,
    newPerCall: made.seenPerPoll(observed) / calls,
    callsPerDay: (calls * DAY_MS) / intervalMs,
    polledAt: polledAt ?? observed?.polledAt,
  }
}

function documentOf(
  { source, everyMs, stalestMs, budget, plan: made, measured, lines }: Made,
  shown: readonly Line[],
) {
  return {
    source,
    everyMs,
    stalestMs,
    budget: budget.map(({ calls, per, spent, until }) => ({ calls, per, spent, until: iso(until) })),
    products: lines.length,
    callsPerDay: rounded(made.callsPerMs * DAY_MS),
    isShort: made.isShort,
    newPer100Calls: rounded(plannedPer100Calls(made)),
    missedShare: rounded(missedShare(made)),
    stalenessMs: { p50: Math.round(made.stalenessMs(0.5)), p95: Math.round(made.stalenessMs(0.95)) },
    measured,
    plan: shown.map(({ product, intervalMs, newPerDay, newPerCall, callsPerDay, polledAt }) => ({
      product,
      intervalMs: Math.round(intervalMs),
      newPerDay: rounded(newPerDay),
      newPerCall: rounded(newPerCall),
      callsPerDay: rounded(callsPerDay),
      stalenessMs: { p50: Math.round(intervalMs / 2), p95: Math.round(0.95 * intervalMs) },
      polledAt: polledAt === undefined ? undefined : iso(polledAt),
    })),
  }
}

function textOf(
  { source, everyMs, stalestMs, budget, plan: made, measured, lines }: Made,
  shown: readonly Line[],
) {
  const now = Date.now()
  const callsPerDay = made.callsPerMs * DAY_MS
  const range =
    stalestMs === undefined
      ? `each every ${formatDuration(everyMs)}, since there is no budget`
      : `each at most every ${formatDuration(everyMs)} and at least every ${formatDuration(stalestMs)}`
  const head = [
    `${source}: ${formatCount(lines.length, 'product')}, ${range}`,
    ...budget.map(
      ({ calls, per, spent, until }) =>
        `  budget: ${formatCount(calls, 'call')} each ${per}, ${formatCount(spent)} of them spent; anew in ${formatDuration(until - now)}`,
    ),
    `  planned: ${short(callsPerDay)} calls a day that find ${short(plannedPer100Calls(made))} new reviews per 100; half of these are seen within ${formatDuration(made.stalenessMs(0.5))}, 95 % within ${formatDuration(made.stalenessMs(0.95))}; ${short(100 * missedShare(made))} % are pushed out of the page before`,
    `  ${wordsOf(measured)}`,
    ...(made.isShort
      ? [`  the budget is too small to poll each product every ${formatDuration(stalestMs ?? everyMs)}`]
      : []),
  ]
  const rows = [
    ['product', 'every', 'new a day', 'new per call', 'calls a day', '50 % seen within', '95 %', 'last poll'],
    ...shown.map(({ product, intervalMs, newPerDay, newPerCall, callsPerDay: calls, polledAt }) => [
      excerpt(product, 40),
      formatDuration(intervalMs),
      short(newPerDay),
      short(newPerCall),
      short(calls),
      formatDuration(intervalMs / 2),
      formatDuration(0.95 * intervalMs),
      ago(polledAt, now, formatDuration),
    ]),
  ]
  const rest = lines.length - shown.length
  const restPerDay = callsPerDay - shown.reduce((sum, line) => sum + line.callsPerDay, 0)
  const end =
    rest > 0 ? `and ${formatCount(rest)} more with ${short(Math.max(0, restPerDay))} calls a day\n` : ''
  return `${head.join('\n')}\n\n${table(rows)}${end}\n`
}

const plannedPer100Calls = ({ seenPerMs, callsPerMs }: Plan): number => (100 * seenPerMs) / callsPerMs
const missedShare = ({ seenPerMs, newPerMs }: Plan): number => Math.max(0, 1 - seenPerMs / newPerMs)
const iso = (at: number): string => new Date(at).toISOString()
