import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { canonical } from '../../../src/presets/canonical.ts'
import { presetSchema } from '../../../src/presets/preset.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { isNewer } from '../../../src/review/compare.ts'
import { interpret, judge } from '../../../src/review/interpret.ts'
import type { Received } from '../../../src/review/received.ts'
import type { Verdict } from '../../../src/review/verdict.ts'
import { type Repair, repairId, type Step } from '../../../src/review/repair.ts'

const GOOD = {
  review_id: 'R1',
  product_id: 'B1',
  user_id: 'U1',
  review_text: 'good',
  rating: 4,
  review_timestamp: '2023-10-26T10:00:00Z',
}

const received = (item: object): Received => ({
  origin: 'shop',
  receivedAt: 0,
  raw: Buffer.from(JSON.stringify(item)),
  context: { source: 'shop', kind: 'webhook', carried: { asin: 'B9' } },
})

const repair = (pointer: string, keyword: string, ...steps: readonly Step[]): Repair => {
  const what = { mends: { pointer, keyword }, steps }
  return { id: repairId(what), ...what }
}

const stars = repair('/rating', 'type', { parse: 'rating', as: 'stars' })
const preset = presetSchema.parse(canonical)
const rules = compileRules(preset)

suite('a repair', () => {
  test('mends what has its fault, and the verdict names it', () => {
    const record = judge(received({ ...GOOD, rating: '4.0 out of 5 stars' }), rules)
    assert.equal(record.verdict.status, 'rejected')
    const mended = interpret(record, rules, { repairs: [stars] })
    assert.ok(mended.status === 'accepted')
    assert.equal(mended.review.rating, 4)
    assert.deepEqual(mended.by.repairs, [stars])
    assert.ok(isNewer(mended, record.verdict) && !isNewer(record.verdict, mended))
  })

  test('does not touch what is valid without it', () => {
    const record = judge(received(GOOD), rules)
    const unnamed = repair('/user_id', 'required', { set: 'user_id', to: 'unknown' })
    assert.deepEqual(interpret(record, rules, { repairs: [stars, unnamed] }), record.verdict)
  })

  test('may uncover what another one mends', () => {
    const { user_id: _, ...nameless } = { ...GOOD, rating: '4.0 out of 5 stars' }
    const unnamed = repair('/user_id', 'required', { copy: '/item/review_id', to: 'user_id' })
    const mended = interpret(judge(received(nameless), rules), rules, { repairs: [unnamed, stars] })
    assert.ok(mended.status === 'accepted')
    assert.deepEqual(mended.by.repairs, [unnamed, stars])
    assert.equal(mended.review.user_id, 'R1')
  })

  test('that is not enough leaves the fault that remains', () => {
    const { user_id: _, ...nameless } = { ...GOOD, rating: '4.0 out of 5 stars' }
    const mended = interpret(judge(received(nameless), rules), rules, { repairs: [stars] })
    assert.ok(mended.status === 'rejected')
    assert.equal(mended.code, 'missing_user_id')
    assert.equal(mended.errors.length, 1)
  })

  test('that a source keeps mends on arrival, and not without the rule', () => {
    const keeping = compileRules(preset, { repairs: [stars] })
    const record = judge(received({ ...GOOD, rating: '4.0 out of 5 stars' }), keeping)
    assert.ok(record.verdict.status === 'accepted')
    assert.deepEqual(record.verdict.by.repairs, [{ ...stars, kept: true }])
    assert.equal(interpret(record, rules, record.verdict.by).status, 'rejected')
  })

  test('by hand is newer than the dead letter it mends: a store that read the queue anew kept the dead letter', () => {
    const record = judge(received({ ...GOOD, rating: 'good' }), rules)
    const written = interpret(record, rules, { patch: [{ op: 'replace', path: '/rating', value: 4 }] })
    assert.equal(written.status, 'accepted')
    assert.ok(isNewer(written, record.verdict) && !isNewer(record.verdict, written))
  })

  test('that replaced another one mends what that could not: the dead letter stayed beside its published review', () => {
    const item = received({ ...GOOD, rating: '4.0 out of 5 stars', helpful_votes: 'many' })
    const { verdict: known } = judge(item, compileRules(preset, { repairs: [stars] }))
    const better = repair('/rating', 'type', { parse: 'rating', as: 'stars' }, { remove: 'helpful_votes' })
    const { verdict: arriving } = judge(item, compileRules(preset, { repairs: [better] }))
    assert.deepEqual([known.status, arriving.status], ['rejected', 'accepted'])
    assert.ok(isNewer(arriving, known) && !isNewer(known, arriving))
  })

  test('of a source leaves discarded what it does not mend: newer rules brought the letter back', () => {
    const { verdict } = judge(received({ ...GOOD, rating: '4.0 out of 5 stars', helpful_votes: -1 }), rules)
    assert.ok(verdict.status === 'rejected')
    const known = { ...verdict, discarded: { reason: 'a test', at: '2026-01-01T00:00:00.000Z' } }
    const newer = { ...verdict.by, schema: 'review@99' }
    assert.ok(!isNewer({ ...verdict, by: newer }, known))
    assert.ok(isNewer({ status: 'accepted', review: GOOD, by: newer }, known))
  })

  test('makes of two verdicts at most one the newer, so that no order of arrival goes round in circles', () => {
    const other = repair('/rating', 'type', { set: 'rating', to: 3 })
    const by = fc.record(
      {
        preset: fc.constantFrom('shop@1', 'shop@2', 'other@1'),
        schema: fc.constantFrom('review@1', 'review@2'),
        repairs: fc.subarray([stars, other]),
        patch: fc.constant([{ op: 'replace' as const, path: '/rating', value: 4 }]),
      },
      { requiredKeys: ['preset', 'schema'] },
    )
    const { verdict: rejected } = judge(received({ ...GOOD, rating: 'good' }), rules)
    assert.ok(rejected.status === 'rejected')
    const discarded = { reason: 'a test', at: '2026-01-01T00:00:00.000Z' }
    const verdict = fc.oneof(
      by.map((versions): Verdict => ({ status: 'accepted', review: GOOD, by: versions })),
      by.map((versions): Verdict => ({ ...rejected, by: versions })),
      by.map((versions): Verdict => ({ ...rejected, discarded, by: versions })),
    )
    fc.assert(
      fc.property(verdict, verdict, (a, b) => {
        assert.ok(!isNewer(a, a) && !(isNewer(a, b) && isNewer(b, a)))
      }),
      { numRuns: 2_000 },
    )
  })

  test('copies, moves, removes, and gives what is missing', () => {
    const { product_id: _, ...lacking } = { ...GOOD, title: 7, language: 'en' }
    const steps: readonly Step[] = [
      { default: 'product_id', from: '/context/carried/asin' },
      { default: 'user_id', to: 'nobody' },
      { move: 'language', to: 'title' },
    ]
    const mended = interpret(judge(received(lacking), rules), rules, {
      repairs: [repair('/product_id', 'required', ...steps)],
    })
    assert.ok(mended.status === 'accepted')
    const { product_id, user_id, title, language } = mended.review
    assert.deepEqual([product_id, user_id, title, language], ['B9', 'U1', 'en', undefined])
  })
})
