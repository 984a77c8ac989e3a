import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { canonical } from '../../../src/presets/canonical.ts'
import { presetSchema } from '../../../src/presets/preset.ts'
import { createProvider } from '../../../src/presets/provider.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { createRepair } from '../../../src/review/repair.ts'
import { review } from '../../support/reviews.ts'

const preset = presetSchema.parse(canonical)
const stars = createRepair({ pointer: '/rating', keyword: 'type' }, [{ parse: 'rating', as: 'stars' }])

suite('what a source knows of its provider', () => {
  test('follows rules that change while it is in use: a review that is seen again is another version under each', () => {
    let rules = compileRules(preset)
    const { identify } = createProvider(preset, () => rules)
    const raw = Buffer.from(review('R1', { rating: '4.0 out of 5 stars' }))
    const received = { origin: 'shop', receivedAt: 0, raw, context: { source: 'shop', kind: 'http-poll' } }
    const before = identify(received)
    rules = compileRules(preset, { repairs: [stars] })
    const keeping = identify(received)
    rules = compileRules(preset)
    assert.deepEqual([before.code, keeping.code], ['invalid_rating', undefined])
    assert.notEqual(keeping.version, before.version)
    assert.deepEqual(identify(received), before)
    assert.equal(keeping.review, before.review)
  })
})
