import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  createGenerator,
  type Generator,
  REVISION,
  type Sequence,
} from '../../../src/sources/simulator/generator.ts'
import simulator from '../../../src/sources/simulator/index.ts'
import { createPace } from '../../../src/sources/simulator/pace.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const plain: Sequence = { seed: 1, rate: 5, products: 200, duplicates: 0.05, edits: 0.02, invalid: 0.02 }

test('the same sequence comes out as the same bytes, or its revision is raised', () => {
  const generator = createGenerator(plain, START)
  const all = Buffer.concat(indexes(2_000).map((index) => generator.at(index)))
  assert.deepEqual([REVISION, hash('sha256', all).slice(0, 16)], [1, 'c28244d55bcc0470'])
})

test('any item may be asked for at any time', () => {
  const ordered = createGenerator(plain, START)
  const expected = indexes(500).map((index) => ordered.at(index))
  const backwards = createGenerator(plain, START)
  for (const index of indexes(500).toReversed()) assert.deepEqual(backwards.at(index), expected[index])
})

test('other seeds and other starts give other ids', () => {
  const ids = (seed: number, start: number): string[] =>
    reviews(createGenerator({ ...plain, seed }, start), 300).map(({ review_id }) => String(review_id))
  const all = [...new Set(ids(1, START)), ...new Set(ids(2, START)), ...new Set(ids(1, START + 1))]
  assert.equal(new Set(all).size, all.length)
})

test('a review id belongs to one review, whatever the shares are', () => {
  const shares = fc
    .tuple(fc.nat(100), fc.nat(100), fc.nat(100), fc.nat(100))
    .filter(([d, e, i, rest]) => d + e + i + rest > 0)
    .map(([d, e, i, rest]) => ({ duplicates: d, edits: e, invalid: i, whole: d + e + i + rest }))
  fc.assert(
    fc.property(shares, fc.nat(2 ** 32 - 1), ({ duplicates, edits, invalid, whole }, seed) => {
      const sequence = {
        ...plain,
        seed,
        duplicates: duplicates / whole,
        edits: edits / whole,
        invalid: invalid / whole,
      }
      const generator = createGenerator(sequence, START)
      const idAt = (index: number): string | undefined =>
        /"review_id":"(\w{14})"/.exec(generator.at(index).toString())?.[1]
      const first = indexes(1_200).filter((index) => ['review', 'invalid'].includes(generator.kindOf(index)))
      const ids = new Set(first.map(idAt))
      assert.equal(ids.size, first.length)
      assert.ok(
        indexes(1_200).every((index) => ids.has(idAt(index))),
        'a repetition is one of an earlier review',
      )
    }),
    { numRuns: 20 },
  )
})

test('a duplicate differs from its review in the votes only', () => {
  const generator = createGenerator({ ...plain, duplicates: 0.3 }, START)
  const originals = new Map(ofKind(generator, 'review').map((review) => [review['review_id'], review]))
  const duplicates = ofKind(generator, 'duplicate')
  assert.ok(duplicates.length > 200)
  for (const { helpful_votes, ...rest } of duplicates) {
    const { helpful_votes: before, ...original } = originals.get(rest['review_id']) ?? {}
    assert.deepEqual(rest, original)
    assert.ok(Number(helpful_votes) > Number(before))
  }
})

test('an edit has another text, and every edit is a record of its own', () => {
  const generator = createGenerator({ ...plain, edits: 0.5 }, START)
  const originals = new Map(ofKind(generator, 'review').map((review) => [review['review_id'], review]))
  const edits = ofKind(generator, 'edit')
  assert.equal(new Set(edits.map((edit) => JSON.stringify(edit))).size, edits.length)
  for (const edit of edits) {
    const original = originals.get(edit['review_id'])
    assert.equal(edit['review_timestamp'], original?.['review_timestamp'])
    assert.ok(String(edit['review_text']).startsWith(String(original?.['review_text'])))
    assert.notEqual(edit['review_text'], original?.['review_text'])
  }
})

test('the invalid ones are as many as asked for, and their faults take turns', () => {
  const generator = createGenerator({ ...plain, invalid: 0.02 }, START)
  const invalid = indexes(1_000).filter((index) => generator.kindOf(index) === 'invalid')
  assert.equal(invalid.length, 20)
  const faults = invalid.slice(0, 7).map((index) => faultOf(generator.at(index).toString()))
  assert.deepEqual(faults, [
    'no product',
    'rating 6',
    'rating five',
    'no user',
    'yesterday',
    'not JSON',
    'no text',
  ])
})

test('reviews look like those of a large shop', () => {
  const generator = createGenerator(plain, START)
  const some = ofKind(generator, 'review')
  for (const review of some) {
    assert.match(String(review['review_id']), /^R[0-9A-Z]{13}$/)
    assert.match(String(review['product_id']), /^B0[0-9A-Z]{8}$/)
    assert.match(String(review['user_id']), /^A[0-9A-Z]{13}$/)
    assert.match(JSON.stringify(review), /^[^{}]*\{[^{}]*\}$/, 'no placeholder is left')
    const age = START + 1_000_000 - Date.parse(String(review['review_timestamp']))
    assert.ok(age > 0 && age < 2 * 3_600_000)
  }
  const bytes = indexes(2_000).reduce((sum, index) => sum + generator.at(index).length, 0) / 2_000
  assert.ok(bytes > 600 && bytes < 800, `${bytes} bytes on average`)
  const products = Object.values(Object.groupBy(some, (review) => String(review['product_id'])))
  const largest = Math.max(...products.map((reviewed) => reviewed?.length ?? 0))
  assert.ok(largest > 10 * (some.length / products.length), 'some products are hot')
})

test('keeps its rate on average', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 100_000, noNaN: true }), (rate) => {
      let now = START
      const pace = createPace(rate, now)
      assert.equal(pace.wait(now), 0)
      for (let batch = 0; batch < 50; batch++) now += pace.wait(now)
      const expectedMs = (50 * pace.batchSize * 1000) / rate
      assert.ok(Math.abs(now - START - expectedMs) < 1, `${now - START} ms instead of ${expectedMs}`)
    }),
  )
})

test('a stall is not followed by a flood', () => {
  const rate = 1_000
  const pace = createPace(rate, START)
  pace.wait(START)
  const resumedAt = START + 60_000
  let now = resumedAt
  let items = 0
  while (true) {
    now += pace.wait(now)
    if (now >= resumedAt + 1_000) break
    items += pace.batchSize
  }
  assert.ok(items <= 1.2 * rate, `${items} items in the first second`)
})

test('a clock that is set back holds nothing up', () => {
  const pace = createPace(5, START)
  pace.wait(START)
  assert.ok(pace.wait(START - 3_600_000) <= 200)
})

test('the config knows its limits and says what it expects', () => {
  const { config } = simulator
  assert.deepEqual(config.parse({}), {
    rate: 5,
    seed: 1,
    duplicates: 0.05,
    edits: 0.02,
    invalid: 0.02,
    products: 200,
  })
  const wrong = [
    { rate: 0 },
    { rate: 100_001 },
    { duplicates: 1.1 },
    { edits: 0.6, invalid: 0.6 },
    { colour: 'red' },
  ]
  for (const given of wrong) assert.equal(config.safeParse(given).success, false, JSON.stringify(given))
})

type Parsed = Readonly<Record<string, unknown>>

function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function ofKind(generator: Generator, kind: string): Parsed[] {
  return indexes(2_000)
    .filter((index) => generator.kindOf(index) === kind)
    .map((index) => JSON.parse(generator.at(index).toString()) as Parsed)
}

function reviews(generator: Generator, count: number): Parsed[] {
  return ofKind(generator, 'review').slice(0, count)
}

function faultOf(raw: string): string {
  if (!raw.endsWith('}')) return 'not JSON'
  const review = JSON.parse(raw) as Parsed
  if (!('product_id' in review)) return 'no product'
  if (!('review_text' in review)) return 'no text'
  if (review['user_id'] === null) return 'no user'
  if (review['review_timestamp'] === 'yesterday') return 'yesterday'
  return `rating ${String(review['rating'])}`
}
