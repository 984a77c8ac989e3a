import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { type PresetInput, presetSchema } from '../../../src/presets/preset.ts'
import { createRemovedSign, createSigns } from '../../../src/presets/signs.ts'
import { createTold } from '../../../src/presets/told.ts'

const presetOf = (more: Partial<PresetInput>) =>
  presetSchema.parse({ name: 'acme', version: 1, fields: {}, ...more })

/** Whether a value shows what a preset takes for a failure. */
const shows = (failed: PresetInput['failed'], value: unknown): boolean =>
  createSigns(presetOf({ failed }).failed)(value) !== undefined

describe('a sign', () => {
  test('without a comparison is anything but null', () => {
    for (const found of [false, 0, '', [], {}]) assert.ok(shows({ when: '/a' }, { a: found }))
    for (const value of [{ a: null }, {}, null, 'a', []]) assert.ok(!shows({ when: '/a' }, value))
  })

  test('that equals is the same value of the same type', () => {
    assert.ok(shows({ when: ['/a', '/b'], equals: 'no' }, { a: 'yes', b: 'no' }))
    assert.ok(!shows({ when: '/a', equals: 1 }, { a: '1' }))
  })

  test('that is not is any other value, and never one that is missing', () => {
    assert.ok(shows({ when: '/status', not: 200 }, { status: 613 }))
    assert.ok(shows({ when: '/status', not: 200 }, { status: '200' }))
    assert.ok(!shows({ when: '/status', not: 200 }, { status: 200 }))
    assert.ok(!shows({ when: '/status', not: 200 }, { status: null }))
  })

  test('with a minimum is a number from there up', () => {
    assert.ok(shows({ when: '/status', min: 40_000 }, { status: 40_000 }))
    assert.ok(!shows({ when: '/status', min: 40_000 }, { status: 39_999 }))
    assert.ok(!shows({ when: '/status', min: 40_000 }, { status: '40501' }))
  })

  test('that holds words is a text with one of them, in any case', () => {
    const sign = { when: '/page', holds: ['captcha', 'robot check'] }
    assert.ok(shows(sign, { page: 'Please solve this CAPTCHA.' }))
    assert.ok(shows(sign, { page: 'Robot Check' }))
    assert.ok(!shows(sign, { page: 'A lamp' }))
    assert.ok(!shows(sign, { page: ['captcha'] }))
  })

  test('is one of several, and the first that shows is told', () => {
    const { failed } = presetOf({ failed: [{ when: '/a' }, { when: ['/b', '/c'], message: '/why' }] })
    const found = createSigns(failed)({ c: 1 })
    assert.deepEqual([found?.place, found?.sign.message], ['/c', ['/why']])
  })

  test('compares in one way only', () => {
    assert.throws(() => presetOf({ failed: { when: '/a', equals: 1, not: 2 } }), /at most one of equals, not/)
  })
})

describe('a review that was deleted', () => {
  test('is told from others where the provider says so', async () => {
    const isRemoved = createRemovedSign(await loadPreset('trustpilot'))
    assert.ok(isRemoved({ eventName: 'service-review-deleted', eventData: { id: 'x' } }))
    assert.ok(!isRemoved({ eventName: 'service-review-updated', eventData: { id: 'x' } }))

    const isGone = createRemovedSign(await loadPreset('yotpo'))
    assert.ok(isGone({ id: 1, deleted: true }))
    for (const item of [{ id: 1, deleted: false }, { id: 1 }, null, 'x', []]) assert.ok(!isGone(item))
  })

  test('is no item of a provider that never says it', async () => {
    const isRemoved = createRemovedSign(await loadPreset('rainforest'))
    assert.ok(!isRemoved({ deleted: true, eventName: 'service-review-deleted' }))
  })
})

describe('what a response tells beside its reviews', () => {
  const told = async (name: string, document: unknown) =>
    createTold(await loadPreset(name))(JSON.stringify(document))

  test('is how many reviews the product has', async () => {
    const totals: readonly (readonly [string, unknown])[] = [
      ['rainforest', { product: { reviews_total: 1203 } }],
      ['rainforest', { product_data: [{ request_info: {} }, { product: { reviews_total: '1,203' } }] }],
      ['dataforseo', { tasks: [{ result: [{ reviews_count: 1203 }] }] }],
      ['bazaarvoice', { TotalResults: 1203, Results: [] }],
      ['apify-junglee', { totalCategoryReviews: 1203 }],
    ]
    for (const [name, document] of totals)
      assert.deepEqual(await told(name, document), { isBlocked: false, total: 1203 }, name)
  })

  test('is no number where the provider gives none', async () => {
    for (const count of [null, 'many', -1, {}, undefined]) {
      const { total } = await told('bazaarvoice', { TotalResults: count })
      assert.equal(total, undefined, JSON.stringify(count))
    }
    assert.deepEqual(await told('omkar', { top_reviews: [] }), { isBlocked: false })
  })

  test('is that the shop shut the provider out', async () => {
    assert.ok((await told('brightdata', { error: 'Refused.', error_code: 'blocked' })).isBlocked)
    assert.ok(!(await told('brightdata', { error: 'Gone.', error_code: 'dead_page' })).isBlocked)
    const page = (content: unknown) => ({ results: [{ status_code: 200, content }] })
    assert.ok((await told('oxylabs', page('<html>Enter the CAPTCHA</html>'))).isBlocked)
    assert.ok(!(await told('oxylabs', page({ asin: 'B0TESTLAMP', reviews: [] }))).isBlocked)
  })
})
