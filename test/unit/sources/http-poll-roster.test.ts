import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Crawl, type CrawlParts } from '../../../src/sources/http-poll/crawl.ts'
import { createRoster, type Roster } from '../../../src/sources/http-poll/roster.ts'

/** None of these is ever asked for a page. */
const PARTS = {} as CrawlParts

function rosterOf(due: Readonly<Record<string, number>>): Roster {
  const roster = createRoster()
  roster.keep(Object.keys(due), (product) => new Crawl(product, due[product ?? ''] ?? 0, PARTS))
  return roster
}

/** Who is taken out, one after the other, until nobody is ready. */
function taken(roster: Roster, now: number, urgencyOf?: (crawl: Crawl) => number): (string | undefined)[] {
  const products: (string | undefined)[] = []
  for (let crawl = roster.take(now, urgencyOf); crawl; crawl = roster.take(now, urgencyOf))
    products.push(crawl.product)
  return products
}

describe('of the crawls of a source', () => {
  test('those that are ready come out, who has been for the longest time first', () => {
    const roster = rosterOf({ c: 30, a: 10, b: 10, d: 40 })
    assert.equal(roster.nextAt, 10)
    assert.deepEqual(taken(roster, 30), ['a', 'b', 'c'])
    assert.equal(roster.nextAt, 40)
    assert.deepEqual(taken(roster, 39), [])
  })

  test('the most urgent comes out first where somebody says what is, and the others after it', () => {
    const urgency = new Map([
      ['a', 1],
      ['b', 3],
      ['c', 2],
      ['d', 9],
    ])
    const roster = rosterOf({ a: 0, b: 0, c: 0, d: 50 })
    assert.deepEqual(
      taken(roster, 10, ({ product = '' }) => urgency.get(product) ?? 0),
      ['b', 'c', 'a'],
    )
  })

  test('one that is put back waits for its time, behind those that are ready', () => {
    const roster = rosterOf({ a: 0, b: 0 })
    const [a, b] = [roster.take(0), roster.take(0)]
    assert.ok(a && b)
    b.wait(20)
    roster.putBack(b, 10)
    roster.putBack(a, 10)
    assert.deepEqual([taken(roster, 19), taken(roster, 20)], [['a'], ['b']])
    assert.equal(roster.nextAt, Infinity)
  })

  test('there is one of each product that is kept: what others had goes on, and what is gone never comes out', () => {
    const roster = rosterOf({ a: 0, b: 0, c: 0 })
    const a = roster.take(0)
    const b = roster.take(0)
    assert.ok(a && b)
    roster.keep(['b', 'd'], (product) => new Crawl(product, 5, PARTS))
    assert.deepEqual(
      Array.from(roster.crawls, ({ product }) => product),
      ['b', 'd'],
    )
    assert.equal(roster.nextAt, 5)
    for (const crawl of [a, b]) roster.putBack(crawl, 1)
    assert.deepEqual(taken(roster, 5), ['b', 'd'])
    assert.equal(Array.from(roster.crawls)[0], b)
  })

  test('one that is dropped is not put back, and another of its product takes its place', () => {
    const roster = rosterOf({ a: 0 })
    const before = roster.take(0)
    assert.ok(before)
    roster.drop(before)
    assert.equal(roster.has('a'), false)
    roster.keep(['a'], (product) => new Crawl(product, 0, PARTS))
    roster.putBack(before, 0)
    const now = roster.take(0)
    assert.notEqual(now, before)
    assert.equal(roster.take(0), undefined)
  })

  test('there may be 100,000, each found at once', () => {
    const count = 100_000
    const products = Array.from({ length: count }, (_, n) => `p${n}`)
    const roster = createRoster()
    const start = performance.now()
    roster.keep(products, (product) => new Crawl(product, 0, PARTS))
    for (let n = 0; n < count; n++) {
      const crawl = roster.take(0) ?? assert.fail('nobody is ready')
      crawl.wait(n + 1)
      roster.putBack(crawl, 0)
    }
    assert.equal(roster.size, count)
    assert.equal(roster.nextAt, 1)
    const tookMs = performance.now() - start
    assert.ok(tookMs < 10_000, `it took ${tookMs} ms`)
  })
})
