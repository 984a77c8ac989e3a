import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Crawl } from '../../../src/sources/http-poll/crawl.ts'
import { createRoster } from '../../../src/sources/http-poll/roster.ts'

/** As much of a crawl as a roster looks at. */
interface Waiting {
  readonly product: string
  readonly readyAt: number
  readonly urgency: number
}

const asCrawl = (waiting: Waiting): Crawl => waiting as unknown as Crawl
const urgencyOf = (crawl: Crawl): number => (crawl as unknown as Waiting).urgency

function filled(crawls: readonly Waiting[], urgency?: typeof urgencyOf) {
  const roster = createRoster(urgency)
  const byName = new Map(crawls.map((crawl) => [crawl.product, asCrawl(crawl)]))
  roster.keep([...byName.keys()], (product) => byName.get(product ?? '') ?? assert.fail('one of these'))
  return roster
}

/** Those that it hands out at that time, until nobody is ready. */
function takenAt(roster: ReturnType<typeof createRoster>, now: number): (string | undefined)[] {
  const taken: (string | undefined)[] = []
  for (let crawl = roster.take(now); crawl; crawl = roster.take(now)) taken.push(crawl.product)
  return taken
}

const crawls = fc
  .array(fc.record({ readyAt: fc.nat(5), urgency: fc.nat(3) }), { maxLength: 20 })
  .map((all) => all.map((one, n): Waiting => ({ ...one, product: `P${n}` })))

describe('a roster', () => {
  test('hands out those that are ready, the most urgent first, and of these who has waited longest', () => {
    fc.assert(
      fc.property(crawls, fc.nat(5), (all, now) => {
        const expected = all
          .filter(({ readyAt }) => readyAt <= now)
          .toSorted((a, b) => b.urgency - a.urgency || a.readyAt - b.readyAt)
        const roster = filled(all, urgencyOf)
        assert.deepEqual(
          takenAt(roster, now),
          expected.map(({ product }) => product),
        )
        const later = all.map(({ readyAt }) => readyAt).filter((at) => at > now)
        assert.equal(roster.nextAt, Math.min(...later))
      }),
    )
  })

  test('hands out who has waited longest where nobody is more urgent than others', () => {
    fc.assert(
      fc.property(crawls, (all) => {
        const expected = all.toSorted((a, b) => a.readyAt - b.readyAt).map(({ product }) => product)
        assert.deepEqual(takenAt(filled(all), 5), expected)
      }),
    )
  })

  test('hands out nobody who was left out meanwhile, also of those that were ready already', () => {
    fc.assert(
      fc.property(crawls, fc.func(fc.boolean()), (all, isLeft) => {
        const roster = filled(all, urgencyOf)
        const taken = roster.take(5)
        const left = all.filter(({ product }) => product !== taken?.product && isLeft(product))
        roster.keep(
          left.map(({ product }) => product),
          () => assert.fail('all are known'),
        )
        if (taken) roster.putBack(taken, 5)
        assert.deepEqual(new Set(takenAt(roster, 5)), new Set(left.map(({ product }) => product)))
        assert.equal(roster.nextAt, Infinity)
      }),
    )
  })
})
