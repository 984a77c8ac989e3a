import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { canonical } from '../../../src/presets/canonical.ts'
import { PARSERS } from '../../../src/presets/parsers.ts'
import { presetSchema } from '../../../src/presets/preset.ts'
import { readSteps, repaired } from '../../../src/presets/repair.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { interpret, judge } from '../../../src/review/interpret.ts'
import { REVIEW_FIELDS } from '../../../src/review/fields.ts'
import { createRepair, type Step } from '../../../src/review/repair.ts'
import { review } from '../../support/reviews.ts'

const preset = presetSchema.parse(canonical)
const rules = compileRules(preset)

const field = fc.constantFrom(...REVIEW_FIELDS)
const pointer = fc
  .tuple(
    fc.constantFrom('review', 'item', 'context'),
    fc.constantFrom('/rating', '/nobody', '/carried/a', ''),
  )
  .map(([root, rest]) => `/${root}${rest}`)
const to = fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean())
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ set: field, to }),
  fc.record({ default: field, to }),
  fc.record({ default: field, from: pointer }),
  fc.record({ copy: pointer, to: field }),
  fc.record({ move: field, to: field }),
  fc.record({ remove: field }),
  fc.record({ parse: field, as: fc.constantFrom(...Object.keys(PARSERS)) }),
)
const steps = fc.array(step, { minLength: 1, maxLength: 5 })
const mends = fc.record({
  pointer: field.map((name) => `/${name}`),
  keyword: fc.constantFrom('type', 'required', 'minLength', 'maximum', 'format'),
})

const judged = (item: string) =>
  judge(
    {
      origin: 'shop',
      receivedAt: 0,
      raw: Buffer.from(item),
      context: { source: 'shop', kind: 'webhook', carried: { a: 'B1' } },
    },
    rules,
  )

suite('a repair of any steps', () => {
  test('leaves what is valid as it is, down to the last byte of its verdict', () => {
    const valid = judged(review('R1', { title: 'fits', helpful_votes: 3 }))
    fc.assert(
      fc.property(mends, steps, (fault, done) => {
        const repairs = [createRepair(fault, done)]
        assert.deepEqual(interpret(valid, rules, { repairs }), valid.verdict)
        assert.deepEqual(interpret(valid, compileRules(preset, { repairs })), valid.verdict)
      }),
    )
  })

  test('never throws, makes the same verdict each time, and accepts only what the schema takes', () => {
    const fields = fc.dictionary(field, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
    fc.assert(
      fc.property(fields, mends, steps, (more, fault, done) => {
        const record = judged(review('R1', more))
        const repairs = [createRepair(fault, done)]
        const verdict = interpret(record, rules, { repairs })
        assert.deepEqual(interpret(record, rules, { repairs }), verdict)
        if (verdict.status === 'accepted')
          assert.equal(judged(JSON.stringify(verdict.review)).verdict.status, 'accepted')
      }),
    )
  })

  test('touches only the fields that it names, and nothing of what it is given', () => {
    const before = JSON.parse(review('R1', { title: 'fits', rating: '4,0' })) as Record<string, unknown>
    const document = { review: before, item: { rating: 3, list: ['a'] }, context: { carried: { a: 'B1' } } }
    const untouched = structuredClone(document)
    const namedIn = (done: Step): string[] =>
      Object.entries(done).flatMap(([key, value]) => (key === 'from' || key === 'as' ? [] : [String(value)]))
    fc.assert(
      fc.property(step, (done) => {
        const after = repaired(document, [done])
        const named = new Set(namedIn(done))
        for (const name of REVIEW_FIELDS) if (!named.has(name)) assert.equal(after[name], before[name], name)
        assert.deepEqual(document, untouched)
      }),
    )
  })

  test('that moves a field to where it is leaves it there: it was lost', () => {
    const document = { review: { rating: '4,0' }, item: {}, context: {} }
    assert.deepEqual(repaired(document, [{ move: 'rating', to: 'rating' }]), { rating: '4,0' })
  })

  test('is what a person may write, and has one name', () => {
    fc.assert(
      fc.property(mends, steps, (fault, done) => {
        const written = readSteps(JSON.parse(JSON.stringify(done)))
        assert.equal(createRepair(fault, written).id, createRepair(fault, done).id)
      }),
    )
  })
})
