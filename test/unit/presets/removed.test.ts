import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { type Preset, presetSchema } from '../../../src/presets/preset.ts'
import { judgeAll, reasonOf } from './judged.ts'

/** Trustpilot's events name no product; a user's copy of the preset may. */
async function trustpilotOf(product: string): Promise<Preset> {
  const { fields, ...preset } = await loadPreset('trustpilot')
  return presetSchema.parse({ ...preset, fields: { ...fields, product_id: { value: product } } })
}

const created = {
  eventName: 'service-review-created',
  eventData: {
    id: 'T1',
    text: 'The lid fits.',
    stars: 4,
    createdAt: '2026-01-01T00:00:00Z',
    consumer: { id: 'U1', name: 'A. B.' },
  },
}
const deleted = { eventName: 'service-review-deleted', eventData: { id: 'T1' } }
const sold = { id: 7, sku: 'P1', content: 'The lid fits.', score: 4, created_at: '2026-01-01T00:00:00Z' }

describe('an item that says that its review was deleted', () => {
  const cases: readonly [string, Promise<Preset>, object, object, string, string][] = [
    [
      'Trustpilot',
      trustpilotOf('shop.example'),
      { events: [created] },
      { events: [deleted] },
      'T1',
      'shop.example',
    ],
    ['Yotpo', loadPreset('yotpo'), { reviews: [sold] }, { reviews: [{ ...sold, deleted: true }] }, '7', 'P1'],
  ]
  for (const [name, loaded, before, after, reviewId, product] of cases) {
    test(`is a removal of that review, and a record of its own (${name})`, async () => {
      const preset = await loaded
      const [review] = judgeAll(preset, before)
      const [removal] = judgeAll(preset, after)
      assert.ok(review && removal)
      const { by: _, ...verdict } = removal.verdict
      assert.deepEqual(verdict, { status: 'removed', review_id: reviewId, product })
      assert.equal(removal.key.slice(0, 16), review.key.slice(0, 16))
      assert.notEqual(removal.key.slice(16), review.key.slice(16))
      assert.equal(judgeAll(preset, after)[0]?.key, removal.key)
    })
  }

  test('is a removal of a review of an unknown product where it names none', async () => {
    const [removal] = judgeAll(await loadPreset('trustpilot'), { events: [deleted] })
    const { by: _, ...verdict } = removal?.verdict ?? assert.fail('expected a record')
    assert.deepEqual(verdict, { status: 'removed', review_id: 'T1' })
  })

  test('is a dead letter where it does not say which review', async () => {
    const nameless = { eventName: 'service-review-deleted', eventData: {} }
    const [trustpilot] = judgeAll(await loadPreset('trustpilot'), { events: [nameless] })
    const { code, message } = reasonOf(trustpilot)
    assert.equal(code, 'missing_review_id')
    assert.match(message, /nobody knows which review was removed/)
    const { id: _, ...unnamed } = sold
    const [yotpo] = judgeAll(await loadPreset('yotpo'), { reviews: [{ ...unnamed, deleted: true }] })
    assert.equal(reasonOf(yotpo).code, 'missing_review_id')
  })
})
