import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS, fixed, oracle, planned, simulate, skewed } from '../../support/simulated-polls.ts'

const HOUR_MS = 3_600_000

test('where ten of 1,000 products get nine tenths of the reviews, a budget finds more than twice what a fixed interval finds', (t) => {
  const world = skewed({ callsPerDay: 1_000, seed: 42, days: 10 })
  const [even, own, best] = [fixed, planned, oracle].map((schedule) => simulate(world, schedule(world)))
  assert.ok(even && own && best)
  for (const [name, { newPer100Calls, p95Ms, missedShare }] of Object.entries({ even, own, best })) {
    t.diagnostic(
      `${name}: ${newPer100Calls.toFixed(1)} new per 100 calls, p95 ${(p95Ms / HOUR_MS).toFixed(1)} h, ${(100 * missedShare).toFixed(1)} % missed`,
    )
  }
  assert.ok(own.newPer100Calls > 2 * even.newPer100Calls)
  assert.ok(own.newPer100Calls > 0.9 * best.newPer100Calls)
  assert.ok(own.missedShare < 0.1 && even.missedShare > 0.7)
  assert.ok(own.p95Ms < 1.25 * best.p95Ms && own.withinADay > 2 * even.withinADay)
  assert.ok(own.calls <= 6 * 1_000, 'no more than the budget of the days that are measured')
})

test('a product that goes viral is noticed within three polls, and so is that it is over within a few', () => {
  const [CALM, BEGIN, END, VIRAL] = [500, 5 * DAY_MS, 8 * DAY_MS, 90 / DAY_MS]
  const { rateAt, ...usual } = skewed({ callsPerDay: 1_000, seed: 2, days: 9 })
  const isViral = (product: number, at: number): boolean => product === CALM && at >= BEGIN && at < END
  const world = {
    ...usual,
    rateAt: (product: number, at: number) => (isViral(product, at) ? VIRAL : rateAt(product, at)),
  }
  const schedule = planned(world)
  const polls: { at: number; intervalMs: number }[] = []
  simulate(world, {
    ...schedule,
    intervalMs(product, at) {
      const intervalMs = schedule.intervalMs(product, at)
      if (product === CALM) polls.push({ at, intervalMs })
      return intervalMs
    },
  })
  const noticed = polls.filter(({ at }) => at > BEGIN).findIndex(({ intervalMs }) => intervalMs < 5 * HOUR_MS)
  assert.ok(noticed >= 0 && noticed < 3, `noticed behind poll ${noticed}`)
  assert.ok(polls.filter(({ at }) => at > BEGIN && at < END).at(-1)!.intervalMs < 2.5 * HOUR_MS)
  const over = polls.filter(({ at }) => at > END).findIndex(({ intervalMs }) => intervalMs > 6 * HOUR_MS)
  assert.ok(over >= 0 && over < 8, `over behind poll ${over}`)
})
