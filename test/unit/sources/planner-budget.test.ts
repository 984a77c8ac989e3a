import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { TransientError } from '../../../src/errors.ts'
import {
  type Allowance,
  budgetField,
  budgetName,
  createBudget,
  spendingsOf,
  sustainable,
} from '../../../src/sources/http-poll/budget.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NEVER = new AbortController().signal
const nextMidnight = (now: number): number => Math.ceil(now / DAY) * DAY
const BEGIN = Date.UTC(2026, 0, 31, 10, 15)

/** A registry, a clock that moves when somebody sleeps, and as many processes as one likes. */
function createPlace(
  allowances: readonly Allowance[],
  registry: Registry = createMemoryRegistry(),
  oversleep = (now: number): number => now,
) {
  const place = {
    now: BEGIN,
    slept: 0,
    open: () =>
      createBudget({
        name: 'shop',
        registry,
        clock: () => place.now,
        allowances,
        async sleep(ms) {
          place.slept += ms
          place.now = oversleep(place.now + ms)
        },
      }),
    async spent() {
      const entry = await registry.get(budgetName('shop'))
      return spendingsOf(entry?.value, allowances, place.now).map(({ spent }) => spent)
    },
  }
  return place
}

describe('a budget', () => {
  test('is never overspent, whoever spends, is killed, starts or stops, and however time goes by', async () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant('take' as const),
          who: fc.nat(2),
          count: fc.integer({ min: 1, max: 40 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'stop' as const), who: fc.nat(2) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('pass' as const),
          ms: fc.integer({ min: 1, max: 40 * DAY }),
        }),
      },
    )
    const limit = fc.integer({ min: 10, max: 300 })
    await fc.assert(
      fc.asyncProperty(
        fc.record({ hour: limit, day: limit, month: limit }),
        fc.array(step, { maxLength: 60 }),
        async (limits, steps) => {
          const allowances = (['hour', 'day', 'month'] as const).map((per) => ({ per, calls: limits[per] }))
          const place = createPlace(allowances, createMemoryRegistry(), nextMidnight)
          const processes = [place.open(), place.open(), place.open()]
          const made = new Map<string, number>()
          const count = (period: string, most: number): void => {
            made.set(period, (made.get(period) ?? 0) + 1)
            assert.ok((made.get(period) ?? 0) <= most, `more than ${most} calls in ${period}`)
          }
          for (const one of steps) {
            if (one.kind === 'pass') place.now += one.ms
            else if (one.kind === 'take') {
              for (let n = 0; n < one.count; n++) {
                await processes[one.who]?.take(NEVER)
                const time = new Date(place.now).toISOString()
                count(time.slice(0, 13), limits.hour)
                count(time.slice(0, 10), limits.day)
                count(time.slice(0, 7), limits.month)
              }
            } else {
              if (one.kind === 'stop') await processes[one.who]?.[Symbol.asyncDispose]()
              processes[one.who] = place.open()
            }
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test('is spent to the last call by several processes that take at the same time, and no further', async () => {
    const place = createPlace([{ calls: 1_000, per: 'day' }])
    const processes = [place.open(), place.open(), place.open()]
    let taken = 0
    const all = processes.map(async (budget) => {
      while (place.now < nextMidnight(BEGIN)) {
        await budget.take(NEVER)
        if (place.now < nextMidnight(BEGIN)) taken++
      }
    })
    await Promise.all(all)
    assert.ok(taken > 900 && taken <= 1_000, `${taken}`)
  })

  test('is spread over its time, a tenth of it ahead, and what was not used is made use of later', async () => {
    const place = createPlace([{ calls: 240, per: 'day' }])
    place.now = Date.UTC(2026, 0, 1)
    await using budget = place.open()
    const takenBy = async (hour: number): Promise<number> => {
      let taken = 0
      for (; place.now < Date.UTC(2026, 0, 1, hour); taken++) await budget.take(NEVER)
      return taken
    }
    assert.ok(between(await takenBy(12), 142, 148))
    place.now = Date.UTC(2026, 0, 1, 18)
    const slept = place.slept
    for (let n = 0; n < 55; n++) await budget.take(NEVER)
    assert.equal(place.slept, slept)
  })

  test('goes on where it was after a restart, and loses nothing by a clean stop', async () => {
    const place = createPlace([{ calls: 500, per: 'day' }])
    for (let start = 0; start < 5; start++) {
      await using budget = place.open()
      for (let n = 0; n < 30; n++) await budget.take(NEVER)
    }
    assert.deepEqual(await place.spent(), [150])
  })

  test('loses at most 100 calls by a kill', async () => {
    const place = createPlace([{ calls: 100_000, per: 'day' }])
    await place.open().take(NEVER)
    assert.deepEqual(await place.spent(), [100])
  })

  test('waits for the next month where that is what is spent', async () => {
    const place = createPlace([
      { calls: 10, per: 'month' },
      { calls: 1_000, per: 'hour' },
    ])
    await using budget = place.open()
    assert.equal(budget.waitMs, 0)
    for (let n = 0; n < 10; n++) await budget.take(NEVER)
    await budget.take(NEVER)
    assert.equal(new Date(place.now).toISOString(), '2026-02-01T00:00:00.000Z')
    assert.equal(place.slept, 13.75 * HOUR)
  })

  test('that waits says for how long, and can be told to stop', async () => {
    const stopping = new AbortController()
    const registry = createMemoryRegistry()
    const budget = createBudget({
      name: 'shop',
      registry,
      clock: () => BEGIN,
      allowances: [{ calls: 1, per: 'hour' }],
      sleep: async (_, signal) => {
        assert.equal(budget.waitMs, 45 * 60_000)
        stopping.abort(new Error('stop'))
        signal.throwIfAborted()
      },
    })
    await budget.take(stopping.signal)
    await assert.rejects(budget.take(stopping.signal), /stop/)
  })

  test('is not overspent where it is unknown whether a write went through', async () => {
    const registry = createMemoryRegistry()
    let failing = true
    const place = createPlace([{ calls: 40, per: 'day' }], {
      ...registry,
      async compareAndSet(...write) {
        await registry.compareAndSet(...write)
        if (failing) throw new TransientError('STORE_UNAVAILABLE', 'no answer')
        return true
      },
    })
    const budget = place.open()
    for (let n = 0; n < 3; n++) await assert.rejects(budget.take(NEVER), /no answer/)
    failing = false
    let taken = 0
    for (; place.slept === 0; taken++) await budget.take(NEVER)
    // Of 22 that are released by then, three writes took 2, 1 and 1.
    assert.equal(taken - 1, 18)
  })

  test('that a clock of another year has written does not stop the source for years', async () => {
    const place = createPlace([{ calls: 5, per: 'day' }])
    place.now = Date.UTC(2090, 0, 1)
    await place.open().take(NEVER)
    place.now = BEGIN
    await place.open().take(NEVER)
    assert.equal(place.slept, 0)
  })

  test('that cannot be read begins anew, and a smaller one holds at once', async () => {
    const registry = createMemoryRegistry()
    await registry.compareAndSet(budgetName('shop'), 0, Buffer.from('{"day":'))
    const large = createPlace([{ calls: 100, per: 'day' }], registry)
    {
      await using budget = large.open()
      for (let n = 0; n < 50; n++) await budget.take(NEVER)
    }
    const small = createPlace([{ calls: 20, per: 'day' }], registry)
    await small.open().take(NEVER)
    assert.equal(small.now, Date.UTC(2026, 1, 1))
  })
})

test('a budget is written as one allowance or several, one for each period', () => {
  assert.deepEqual(budgetField.parse({ calls: 10, per: 'day' }), [{ calls: 10, per: 'day' }])
  assert.ok(
    !budgetField.safeParse([
      { calls: 1, per: 'day' },
      { calls: 2, per: 'day' },
    ]).success,
  )
  assert.equal(sustainable(), Infinity)
  assert.equal(
    sustainable([
      { calls: 48, per: 'day' },
      { calls: 1, per: 'hour' },
    ]),
    1 / HOUR,
  )
})

const between = (value: number, low: number, high: number): boolean => value >= low && value <= high
