import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules, type RuleOptions } from '../../../src/presets/rules.ts'
import { interpret, judge } from '../../../src/review/interpret.ts'
import type { Context } from '../../../src/review/received.ts'

const canonical = await loadPreset('canonical')
const GOOD = {
  review_id: 'R1',
  product_id: 'B1',
  user_id: 'U1',
  review_text: 'fine',
  rating: 4.5,
  review_timestamp: '2023-10-26T10:00:00Z',
}

function judged(item: unknown, options: RuleOptions = {}, context: Partial<Context> = {}) {
  const raw = Buffer.isBuffer(item)
    ? item
    : Buffer.from(typeof item === 'string' ? item : JSON.stringify(item))
  const received = {
    origin: 'shop',
    receivedAt: 0,
    raw,
    context: { source: 'shop', kind: 'test', ...context },
  }
  return judge(received, compileRules(canonical, options))
}

function rejected(item: unknown, options?: RuleOptions, context?: Partial<Context>) {
  const { verdict } = judged(item, options, context)
  assert.equal(verdict.status, 'rejected')
  return verdict as Extract<typeof verdict, { status: 'rejected' }>
}

describe('a verdict', () => {
  test('accepts a review and keeps its values', () => {
    const { verdict } = judged(GOOD)
    assert.deepEqual(verdict, {
      status: 'accepted',
      review: GOOD,
      by: { preset: 'canonical@1', schema: 'review@1' },
    })
  })

  test('accepts blank text and rating 0: the rule is present and not null', () => {
    assert.equal(judged({ ...GOOD, review_text: ' ', rating: 0 }).verdict.status, 'accepted')
  })

  const faults: readonly [string, object | string | Buffer, string, RegExp][] = [
    ['a missing product', { ...GOOD, product_id: undefined }, 'missing_product_id', /^product_id is missing/],
    ['a null user', { ...GOOD, user_id: null }, 'missing_user_id', /^user_id is missing/],
    ['an empty id', { ...GOOD, review_id: ' ' }, 'missing_review_id', /^review_id is empty/],
    ['a rating over 5', { ...GOOD, rating: 6 }, 'invalid_rating', /^rating must be at most 5, found 6/],
    [
      'a rating in words',
      { ...GOOD, rating: 'five' },
      'invalid_rating',
      /^rating must be a number, found "five"/,
    ],
    [
      'a rating that is infinite',
      JSON.stringify(GOOD).replace('4.5', '1e400'),
      'invalid_rating',
      /^rating must be a number, found a number beyond 1\.8e308$/,
    ],
    [
      'an id that no number can hold',
      JSON.stringify(GOOD).replace('"R1"', '9007199254740993'),
      'invalid_review_id',
      /^review_id must be a string, found a number beyond 2\^53$/,
    ],
    [
      'a title that is nested deeper than the stack is',
      JSON.stringify(GOOD).replace('{', `{"title":${'['.repeat(10_000)}${']'.repeat(10_000)},`),
      'invalid_title',
      /^title must be a string, found an array$/,
    ],
    ['an item larger than 128 MiB', Buffer.alloc(2 ** 27 + 1, ' '), 'unreadable', /^larger than 128 MiB/],
    ['a date in words', { ...GOOD, review_timestamp: 'yesterday' }, 'invalid_review_timestamp', /RFC 3339/],
    [
      'a text over its length',
      { ...GOOD, review_text: 'x'.repeat(100_001) },
      'invalid_review_text',
      /longer than 100000/,
    ],
    ['JSON that is cut off', '{"review_id":"R1"', 'unreadable', /^not JSON/],
    ['an array', '[1]', 'unreadable', /expected a JSON object, found an array/],
    ['nothing', '', 'unreadable', /nothing/],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'unreadable', /UTF-8/],
  ]
  for (const [name, item, code, message] of faults) {
    test(`rejects ${name} with its reason`, () => {
      const verdict = rejected(item)
      assert.equal(verdict.code, code)
      assert.match(verdict.errors[0]?.message ?? '', message)
      assert.match(verdict.cluster, /^[0-9a-f]{16}$/)
    })
  }

  test('tells every fault of a rejected item, at most 20', () => {
    const { errors } = rejected({ rating: 6 })
    assert.equal(errors.length, 6)
    const images = Array.from({ length: 100 }, (_, n) => n)
    assert.equal(rejected({ ...GOOD, images }).errors.length, 20)
  })

  test('keeps the product of a rejected item, where it names one', () => {
    assert.equal(rejected({ ...GOOD, rating: 6 }).product, 'B1')
    assert.equal(rejected({ ...GOOD, product_id: 7 }).product, undefined)
  })

  test('names the same cluster for the same fault in values of one shape', () => {
    const cluster = (rating: unknown) => rejected({ ...GOOD, rating }).cluster
    assert.equal(cluster('4.0 out of 5 stars'), cluster('5.0 out of 5 stars'))
    assert.notEqual(cluster('4.0 out of 5 stars'), cluster('five'))
  })

  test('says why what could not be split is unreadable, and what a provider said', () => {
    assert.equal(rejected('x', {}, { unreadable: 'no comma' }).errors[0]?.message, 'no comma')
    assert.equal(rejected('{}', {}, { failure: 'page not found' }).code, 'provider_error')
  })

  test('sanitises the review, tells what it changed, and leaves raw alone', () => {
    const record = judged({ ...GOOD, review_text: ' e\u0301\u0007\n\ud800 ' })
    assert.ok(record.verdict.status === 'accepted')
    assert.equal(record.verdict.review.review_text, 'é')
    assert.deepEqual(
      record.verdict.sanitised?.map(({ field, why }) => `${field}: ${why}`),
      [
        'review_text: control characters removed',
        'review_text: lone surrogates removed',
        'review_text: normalised to Unicode NFC',
        'review_text: outer white space trimmed',
      ],
    )
    assert.match(record.received.raw.toString(), /\\u0007/)
  })

  test('tells a change once a field, however many entries of a list it changed', () => {
    const { verdict } = judged({ ...GOOD, images: Array.from({ length: 1_000 }, (_, n) => ` ${n}\u0007`) })
    assert.ok(verdict.status === 'accepted')
    assert.deepEqual(verdict.sanitised, [
      { field: 'images', why: 'control characters removed' },
      { field: 'images', why: 'outer white space trimmed' },
    ])
    assert.deepEqual((verdict.review['images'] as string[]).slice(0, 2), ['0', '1'])
  })

  test('normalises no pile of marks, which took hours, and all that languages need', () => {
    const textOf = (review_text: string): unknown => {
      const { verdict } = judged({ ...GOOD, review_text })
      assert.ok(verdict.status === 'accepted')
      return verdict.review.review_text
    }
    const pile = `e${'\u0301\u0323'.repeat(40_000)}`
    assert.equal(textOf(pile), pile)
    const long = `${'x'.repeat(2_000)}e${'\u0301\u0323'.repeat(30)}`
    assert.equal(textOf(long), long.normalize('NFC'))
  })

  test('shows no half of a character of what it found', () => {
    for (const rating of [`${'x'.repeat(59)}😀`, `${'x'.repeat(60)}😀`]) {
      const message = rejected({ ...GOOD, rating }).errors[0]?.message ?? ''
      assert.ok(message.isWellFormed())
      assert.match(message, /^rating must be a number, found "x{59,60}…$/)
    }
    assert.match(rejected('😀').errors[0]?.message ?? '', /^not JSON: /)
    assert.ok(rejected('😀').errors[0]?.message.isWellFormed(), 'of what JSON.parse says neither')
  })

  test('keeps line breaks and tabs inside a text', () => {
    const { verdict } = judged({ ...GOOD, review_text: 'a\n\tb\r\nc' })
    assert.ok(verdict.status === 'accepted')
    assert.equal(verdict.review.review_text, 'a\n\tb\r\nc')
    assert.equal(verdict.sanitised, undefined)
  })

  test('derives an id only where the source asks for it, marked, and the same for all versions', () => {
    const item = { ...GOOD, user_id: null }
    assert.equal(rejected(item).code, 'missing_user_id')
    const one = judged(item, { missingUserId: 'derive' }).verdict
    const two = judged({ ...item, review_text: 'edited' }, { missingUserId: 'derive' }).verdict
    assert.ok(one.status === 'accepted' && two.status === 'accepted')
    assert.match(one.review.user_id, /^derived:[0-9a-f]{16}$/)
    assert.equal(one.review.user_id, two.review.user_id)
    assert.deepEqual(one.derived, ['user_id'])
  })

  test('holds a repair by hand, against the original', () => {
    const record = judged({ ...GOOD, rating: 'five' })
    const patch = [{ op: 'replace', path: '/rating', value: 5 }] as const
    const mended = interpret(record, compileRules(canonical), { patch })
    assert.ok(mended.status === 'accepted')
    assert.equal(mended.review.rating, 5)
    assert.deepEqual(mended.by.patch, patch)
  })

  test('reads a record of a CSV file: numbers and truth values out of text', () => {
    const columns = [
      'review_id',
      'product_id',
      'user_id',
      'review_text',
      'rating',
      'review_timestamp',
      'verified_purchase',
    ]
    const row = 'R1,B1,U1,"good, very",4,2023-10-26T10:00:00Z,true'
    const { verdict } = judged(row, {}, { columns })
    assert.ok(verdict.status === 'accepted')
    assert.deepEqual(
      [verdict.review.rating, verdict.review['verified_purchase'], verdict.review.review_text],
      [4, true, 'good, very'],
    )
    assert.equal(rejected('R1,B1,U1,text,,2023-10-26T10:00:00Z,', {}, { columns }).code, 'missing_rating')
  })

  test('is not fooled by __proto__', () => {
    const { verdict } = judged(
      JSON.stringify(GOOD).replace('{', '{"__proto__":{"user_id":"evil"},').replace('"user_id":"U1",', ''),
    )
    assert.ok(verdict.status === 'rejected' && verdict.code === 'missing_user_id')
  })
})
