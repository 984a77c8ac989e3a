import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createRandom } from '../../../src/lib/random.ts'
import { expectedSeen } from '../../../src/sources/http-poll/overflow.ts'
import { type Limits, plan } from '../../../src/sources/http-poll/plan.ts'
import { createPlanner, urgency } from '../../../src/sources/http-poll/planner.ts'
import {
  fitPrior,
  type Observed,
  observe,
  observed,
  type Prior,
  rateOf,
} from '../../../src/sources/http-poll/velocity.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const PRIOR: Prior = { ratePerMs: 1 / DAY }
const LIMITS: Limits = { everyMs: MINUTE, stalestMs: 7 * DAY, callsPerMs: 100 / DAY }

/** A product that was watched for a hundred days. */
const watched = (perDay: number, calls = 1, shown?: number): Observed => ({
  polledAt: 0,
  fresh: 100 * perDay,
  exposureMs: 100 * DAY,
  calls,
  doubt: 0,
  ...(shown !== undefined && { shown }),
})

const product = fc
  .record({ perDay: fc.double({ min: 0, max: 500, noNaN: true }), calls: fc.integer({ min: 1, max: 30 }) })
  .map(({ perDay, calls }) => watched(perDay, calls))
const products = fc.array(fc.option(product, { nil: undefined }), { minLength: 1, maxLength: 60 })
const callsPerDay = fc.double({ min: 0.1, max: 100_000, noNaN: true })

describe('a plan', () => {
  test('never spends more than the budget, and polls nothing more often than it may', () => {
    fc.assert(
      fc.property(
        products,
        callsPerDay,
        fc.option(fc.integer({ min: 1, max: 20 })),
        (known, budget, shown) => {
          const limits = { ...LIMITS, callsPerMs: budget / DAY }
          const some = known.map((one) => (one && shown !== null ? { ...one, shown } : one))
          const made = plan(some, limits)
          assert.ok(made.callsPerMs <= limits.callsPerMs * 1.001)
          const meanCalls =
            some.reduce((sum, one) => sum + (one?.calls ?? 0), 0) / some.filter(Boolean).length || 1
          const spent = some.reduce((sum, one) => sum + (one?.calls ?? meanCalls) / made.intervalMs(one), 0)
          // Products are taken for the same where they differ by less than a tenth.
          assert.ok(spent <= limits.callsPerMs * 1.1, `${spent * DAY} of ${budget}`)
          for (const one of some) {
            assert.ok(made.intervalMs(one) >= MINUTE)
            assert.ok(made.isShort || made.intervalMs(one) <= 7 * DAY * 1.001)
          }
        },
      ),
    )
  })

  test('polls in proportion to the root of velocity over calls, where nothing else limits it', () => {
    const [slow, fast, dear] = [watched(1), watched(16), watched(1, 4)]
    const { intervalMs, callsPerMs } = plan([slow, fast, dear], { ...LIMITS, callsPerMs: 10 / DAY })
    assert.ok(near(intervalMs(slow) / intervalMs(fast), 4))
    assert.ok(near(intervalMs(dear) / intervalMs(slow), 2))
    assert.ok(near(callsPerMs * DAY, 10))
  })

  test('is such that no other intervals of the same cost would keep reviews fresher', () => {
    fc.assert(
      fc.property(
        fc.array(product, { minLength: 2, maxLength: 8 }),
        fc.double({ min: 0.5, max: 0.99, noNaN: true }),
        (known, factor) => {
          const made = plan(known, LIMITS)
          fc.pre(!made.isShort)
          const waiting = (one: Observed, ms: number): number => (rateOf(one, made.prior) * ms) / 2
          const [one, other] = known as [Observed, Observed]
          const [oneMs, otherMs] = [made.intervalMs(one), made.intervalMs(other)]
          // One product is polled more often, and the calls for that are taken from another.
          const moreMs = oneMs * factor
          const rest = other.calls / otherMs - (one.calls / moreMs - one.calls / oneMs)
          const lessMs = other.calls / rest
          fc.pre(rest > 0 && moreMs >= MINUTE && lessMs <= 7 * DAY)
          const before = waiting(one, oneMs) + waiting(other, otherMs)
          assert.ok(waiting(one, moreMs) + waiting(other, lessMs) >= before * 0.999)
        },
      ),
    )
  })

  test('polls in time before a page overflows, as far as the budget allows', () => {
    const known = [...Array(99).fill(watched(0.1, 1, 10)), watched(100, 1, 10)] as Observed[]
    const { intervalMs, seenPerMs, newPerMs } = plan(known, { ...LIMITS, callsPerMs: 60 / DAY })
    assert.ok((intervalMs(known.at(-1)) * 100) / DAY < 8, 'reviews of one page')
    assert.ok(seenPerMs > 0.98 * newPerMs)
  })

  test('keeps the longest interval, and says so where the budget is too small for it', () => {
    const known = [...Array(100).fill(watched(0)), watched(10)] as Observed[]
    const enough = plan(known, { ...LIMITS, callsPerMs: 16 / DAY })
    assert.ok(!enough.isShort && near(enough.intervalMs(known[0]), 7 * DAY))
    const short = plan(known, { ...LIMITS, callsPerMs: 7 / DAY })
    assert.ok(short.isShort && short.intervalMs(known[0]) > 7 * DAY)
    assert.ok(short.intervalMs(known.at(-1)) < 2 * DAY, 'some of it still goes where the reviews are')
  })

  test('polls everything as often as it may where there is no budget', () => {
    const known = [watched(0), watched(10), undefined]
    const { intervalMs, callsPerMs } = plan(known, { ...LIMITS, callsPerMs: Infinity })
    assert.deepEqual(known.map(intervalMs), [MINUTE, MINUTE, MINUTE])
    assert.ok(near(callsPerMs, 3 / MINUTE))
  })

  test('says how long reviews wait', () => {
    const { stalenessMs, intervalMs } = plan([watched(1), watched(1)], { ...LIMITS, callsPerMs: 2 / DAY })
    assert.ok(near(intervalMs(watched(1)), DAY))
    assert.ok(near(stalenessMs(0.5), DAY / 2) && near(stalenessMs(0.95), 0.95 * DAY))
  })

  test('of 100,000 products is made in moderate time and memory, and decides about one at once', (t) => {
    const random = createRandom(1)
    const known = Array.from({ length: 100_000 }, () => watched(random() ** 20 * 500, 1 + 3 * random(), 10))
    const before = process.memoryUsage().heapUsed
    const startedAt = process.cpuUsage()
    const made = plan(known, { ...LIMITS, callsPerMs: 50_000 / DAY })
    const { user, system } = process.cpuUsage(startedAt)
    const grown = (process.memoryUsage().heapUsed - before) / 2 ** 20
    const oneStartedAt = process.cpuUsage()
    for (const one of known.slice(0, 10_000)) made.intervalMs(one)
    const ones = process.cpuUsage(oneStartedAt)
    const microsOfOne = (ones.user + ones.system) / 10_000
    t.diagnostic(
      `planned in ${Math.round((user + system) / 1_000)} ms of CPU, ${Math.round(grown)} MiB; one interval: ${microsOfOne.toFixed(1)} µs`,
    )
    assert.equal(made.products, 100_000)
    assert.ok(user + system < 5_000_000 && grown < 100 && microsOfOne < 500)
  })
})

describe('what is observed of a product', () => {
  test('survives being saved as JSON', () => {
    const known = observe(watched(3, 2, 10), { at: DAY, fresh: 4, calls: 1, shown: 10 }, PRIOR)
    assert.deepEqual(observed.parse(JSON.parse(JSON.stringify(known))), known)
  })

  test('says nothing about velocity after the first poll, however much that found', () => {
    const known = observe(undefined, { at: 5, fresh: 1_000, calls: 3 }, PRIOR)
    assert.deepEqual(known, { polledAt: 5, fresh: 0, exposureMs: 0, calls: 3, doubt: 0 })
    assert.ok(near(rateOf(known, PRIOR), PRIOR.ratePerMs))
  })

  test('comes near to the truth, from above and from below', () => {
    for (const perDay of [0.2, 5, 40]) {
      let known: Observed | undefined
      for (let day = 0, all = 0; day < 60; day++) {
        const fresh = Math.floor(perDay * day) - all
        all += fresh
        known = observe(known, { at: day * DAY, fresh, calls: 1 }, PRIOR)
      }
      assert.ok(near(rateOf(known, PRIOR) * DAY, perDay, 0.15), `${rateOf(known, PRIOR) * DAY} for ${perDay}`)
    }
  })

  test('is forgotten once a quiet product goes viral, or a busy one falls silent, within three polls', () => {
    const viral = pollsUntil(watched(0.1, 1, 10), DAY, 10, (rate) => rate > 5 / DAY)
    const silent = pollsUntil(watched(100, 1, 10), DAY / 20, 0, (rate) => rate < 5 / DAY)
    assert.ok(viral <= 1 && silent <= 3, `viral after ${viral}, silent after ${silent}`)
  })

  test('is not forgotten by chance: of 2,000 polls of a steady product, hardly one begins anew', () => {
    const random = createRandom(7)
    let [known, anew]: [Observed, number] = [watched(1), 0]
    for (let n = 1; n <= 2_000; n++) {
      const next = observe(known, { at: n * 3 * DAY, fresh: poissonOf(3, random), calls: 1 }, PRIOR)
      if (next.exposureMs < known.exposureMs / 2) anew++
      known = next
    }
    assert.ok(anew <= 1, `${anew} times`)
    assert.ok(near(rateOf(known, PRIOR) * DAY, 1, 0.5))
  })

  test('is the same whether the clock was set back or stood still: nothing is divided by nothing', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ at: fc.integer({ min: 0, max: 1e13 }), fresh: fc.nat(1_000), calls: fc.nat(9) }),
        ),
        (polls) => {
          let known: Observed | undefined
          for (const poll of polls) known = observe(known, poll, PRIOR)
          const prior = fitPrior([known])
          const { intervalMs } = plan([known], LIMITS)
          for (const value of [prior.ratePerMs, rateOf(known, prior), intervalMs(known)])
            assert.ok(Number.isFinite(value) && value > 0)
          if (known) observed.parse(known)
        },
      ),
    )
  })
})

test('what is known of all products is expected of a new one', () => {
  const prior = fitPrior([...Array(50).fill(watched(2)), undefined] as (Observed | undefined)[])
  assert.ok(near(rateOf(undefined, prior) * DAY, 2))
})

test('what a page shows of random arrivals adds up', () => {
  assert.ok(near(expectedSeen(0.01, 10), 0.01))
  assert.ok(near(expectedSeen(1_000, 10), 10))
  assert.ok(near(expectedSeen(1, 1), 1 - Math.exp(-1)))
  assert.equal(expectedSeen(77, Infinity), 77)
})

test('a planner spreads what it polled once, and plans anew as it learns', () => {
  const known: (Observed | undefined)[] = Array(100).fill(undefined)
  let now = 0
  const random = createRandom(3)
  const planner = createPlanner({ limits: () => LIMITS, known: () => known, now: () => now, random })
  known.forEach((_, n) => (known[n] = planner.observe(undefined, { at: 0, fresh: 10, calls: 1 })))
  const first = known.map(planner.intervalMs)
  assert.ok(Math.min(...first) < 0.1 * DAY && Math.max(...first) > 0.9 * DAY, 'spread over a day')
  now = DAY
  known.forEach((one, n) => (known[n] = planner.observe(one, { at: now, fresh: n === 0 ? 90 : 0, calls: 1 })))
  assert.ok(planner.intervalMs(known[0]) < 0.2 * DAY)
  assert.ok(planner.plan.callsPerMs <= LIMITS.callsPerMs * 1.001)
})

test('a busy product that is late is more urgent than a quiet one that is due for longer', () => {
  const [busy, quiet] = [
    { polledAt: 6 * DAY, dueAt: 6 * DAY + 30 * MINUTE },
    { polledAt: 0, dueAt: 6 * DAY },
  ]
  assert.ok(urgency(busy, 6 * DAY + 40 * MINUTE) > urgency(quiet, 6 * DAY + 40 * MINUTE))
  assert.equal(urgency(busy, busy.dueAt), 1)
})

/** How many polls it takes until this is thought of a product whose polls find so many from now on. */
function pollsUntil(
  from: Observed,
  everyMs: number,
  fresh: number,
  holds: (rate: number) => boolean,
): number {
  let known = from
  for (let polls = 1; polls <= 100; polls++) {
    known = observe(known, { at: known.polledAt + everyMs, fresh, calls: 1, shown: 10 }, PRIOR)
    if (holds(rateOf(known, PRIOR))) return polls
  }
  return Infinity
}

function poissonOf(mean: number, random: () => number): number {
  let count = 0
  for (let left = mean + Math.log(random()); left > 0; left += Math.log(random())) count++
  return count
}

const near = (found: number, expected: number, share = 0.06): boolean =>
  Math.abs(found - expected) <= share * expected
