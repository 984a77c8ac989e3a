import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { judge } from '../../../src/review/interpret.ts'
import { reviewHalves } from '../../../src/review/key.ts'
import type { Received } from '../../../src/review/received.ts'

const rules = compileRules(await loadPreset('canonical'))
const received = (raw: string, origin = 'shop'): Received => ({
  origin,
  receivedAt: 1_700_000_000_000,
  raw: Buffer.from(raw),
  context: { source: origin, kind: 'test' },
})
const key = (raw: string, origin?: string): string => judge(received(raw, origin), rules).key

describe('a record key', () => {
  test('follows the content and nothing else', () => {
    const of = (extra: string) =>
      key(`{"review_id":"R1","product_id":"B1","review_text":"fine","rating":5${extra}}`)
    assert.equal(of(''), of(',"helpful_votes":9,"position":3'), 'a re-sighting')
    assert.notEqual(of(''), of(',"title":"edited"'), 'an edit')
    assert.equal(of('').slice(0, 16), of(',"title":"edited"').slice(0, 16), 'one prefix finds all versions')
    assert.notEqual(
      of(''),
      key('{"review_id":"R1","product_id":"B1","review_text":"fine","rating":5}', 'elsewhere'),
    )
  })

  test('is told apart by exact tokens: huge numbers, types, duplicate keys', () => {
    assert.notEqual(
      key('{"review_id":9007199254740992,"rating":1}'),
      key('{"review_id":9007199254740993,"rating":1}'),
    )
    assert.notEqual(key('{"review_id":"7","rating":1}'), key('{"review_id":7,"rating":1}'))
    assert.notEqual(key('{"review_id":"R1","rating":1e400}'), key('{"review_id":"R1","rating":null}'))
    assert.notEqual(
      key('{"review_id":"R1","rating":1,"rating":2}'),
      key('{"review_id":"R1","rating":3,"rating":2}'),
    )
    assert.notEqual(key('{"review_id":"R1","rating":4.0}'), key('{"review_id":"R1","rating":4.5}'))
  })

  test('is all of raw where the item does not say which review it is, or says neither text nor rating', () => {
    assert.notEqual(key('{"product_id":"B1","renamed":1}'), key('{"product_id":"B1","renamed":2}'))
    assert.notEqual(key('{"review_id":"R1","style":"red"}'), key('{"review_id":"R1","style":"blue"}'))
    assert.notEqual(key('{"review_id":null,"rating":1,"a":1}'), key('{"review_id":null,"rating":1,"a":2}'))
    assert.notEqual(key('{"review_id":" ","rating":1,"a":1}'), key('{"review_id":" ","rating":1,"a":2}'))
    assert.notEqual(key('garbage 1'), key('garbage 2'))
  })

  test('is found again by the id that a person types', () => {
    assert.ok(
      reviewHalves('shop', '9007199254740993').includes(
        key('{"review_id":9007199254740993,"rating":1}').slice(0, 16),
      ),
    )
    assert.ok(reviewHalves('shop', 'R1').includes(key('{"review_id":"R1","rating":1}').slice(0, 16)))
  })

  test('never is the same for two different reviews, and always for a re-sighting', () => {
    const token = fc.oneof(
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
      fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text)),
      fc.constantFrom('null', 'true', '1e400', '1.0', '1', '"1"', '[]', '{"a":1}', '"\\u0041"', '"A"'),
    )
    const field = fc.constantFrom(
      'review_id',
      'product_id',
      'user_id',
      'review_text',
      'rating',
      'title',
      'other',
    )
    const item = fc.uniqueArray(fc.tuple(field, token), { selector: ([name]) => name, maxLength: 7 })
    const print = (fields: readonly (readonly [string, string])[]) =>
      `{${fields.map(([name, value]) => `"${name}":${value}`).join(',')}}`
    const known = ['review_id', 'product_id', 'user_id', 'review_text', 'rating', 'title']
    const contentOf = (fields: readonly (readonly [string, string])[]) =>
      known.map((name) => fields.find(([each]) => each === name)?.[1] ?? 'null').join(' ')

    fc.assert(
      fc.property(item, item, (a, b) => {
        if (contentOf(a) === contentOf(b)) return
        assert.notEqual(key(print(a)), key(print(b)))
      }),
      { numRuns: 2_000 },
    )
    fc.assert(
      fc.property(item, fc.nat(), (fields, votes) => {
        const told = [
          ...fields.filter(([name]) => !['review_id', 'rating'].includes(name)),
          ['review_id', '"R1"'],
          ['rating', '1'],
        ] as const
        assert.equal(key(print(told)), key(print([...told, ['helpful_votes', String(votes)]])))
      }),
      { numRuns: 500 },
    )
  })
})
