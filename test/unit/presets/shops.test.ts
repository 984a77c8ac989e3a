import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { presetSchema } from '../../../src/presets/preset.ts'
import { judgeAll, reasonOf, reviewOf } from './judged.ts'

const deriveUser = { missingUserId: 'derive' } as const

describe('judgeme', async () => {
  const preset = await loadPreset('judgeme')
  const item = (more: object = {}) => ({
    id: 9_000_001,
    title: 'Bright',
    body: 'Bright enough for the attic.',
    rating: 5,
    product_external_id: 8_000_001,
    reviewer: {
      id: 7_000_001,
      external_id: 6_000_001,
      name: 'Invented Person',
      email: 'invented@mail.example',
      phone: '+1 555 0100',
    },
    ip_address: '192.0.2.7',
    created_at: '2024-05-06T07:08:09+02:00',
    updated_at: '2024-05-06T07:08:09+02:00',
    published: true,
    hidden: false,
    verified: 'buyer',
    ...more,
  })

  test('finds every field in a page and in a delivery, and nothing that is personal', () => {
    for (const document of [{ current_page: 1, reviews: [item()] }, { review: item() }]) {
      const [record] = judgeAll(preset, document)
      assert.deepEqual(reviewOf(record), {
        review_id: '9000001',
        product_id: '8000001',
        user_id: '7000001',
        review_text: 'Bright enough for the attic.',
        rating: 5,
        review_timestamp: '2024-05-06T07:08:09+02:00',
        title: 'Bright',
        verified_purchase: true,
      })
      assert.ok(record?.received.raw.includes('invented@mail.example'), 'raw is what was received')
    }
  })

  test('keeps every digit of an id', () => {
    const page = JSON.stringify({ reviews: [item()] }).replace('9000001', '90071992547409931234')
    assert.equal(reviewOf(judgeAll(preset, page)[0]).review_id, '90071992547409931234')
  })

  test('makes a new version of an edited text, and none of a time', () => {
    const keyOf = (more: object) => judgeAll(preset, { review: item(more) })[0]?.key
    assert.equal(keyOf({}), keyOf({ updated_at: '2025-01-01T00:00:00+02:00', hidden: true }))
    assert.notEqual(keyOf({}), keyOf({ body: 'Edited.' }))
  })

  test('sees an error, and that the page behind the last is none', () => {
    assert.equal(reasonOf(judgeAll(preset, { error: 'Shop not found' })[0]).message, 'Shop not found')
    assert.deepEqual(judgeAll(preset, { current_page: 9, per_page: 100, reviews: [] }), [])
  })
})

describe('yotpo', async () => {
  const preset = await loadPreset('yotpo')
  const item = (more: object = {}) => ({
    id: 9_000_001,
    title: 'Bright',
    content: 'Bright enough for the attic.',
    score: 4,
    votes_up: 2,
    votes_down: 0,
    created_at: '2024-05-06T07:08:09.000Z',
    updated_at: '2024-05-06T07:08:09.000Z',
    sentiment: 0.9,
    sku: 'LAMP-1',
    name: 'Invented P.',
    email: 'invented@mail.example',
    reviewer_type: 'verified_buyer',
    deleted: false,
    archived: false,
    escalated: false,
    ...more,
  })

  test('finds every field, and takes no address for an id', () => {
    const page = { reviews: [item()] }
    assert.equal(reasonOf(judgeAll(preset, page)[0]).code, 'missing_user_id')
    const { user_id, ...review } = reviewOf(judgeAll(preset, page, deriveUser)[0])
    assert.match(user_id, /^derived:/)
    assert.deepEqual(review, {
      review_id: '9000001',
      product_id: 'LAMP-1',
      review_text: 'Bright enough for the attic.',
      rating: 4,
      review_timestamp: '2024-05-06T07:08:09.000Z',
      title: 'Bright',
      verified_purchase: true,
      helpful_votes: 2,
    })
  })

  test('makes a new version of a review that was deleted, and none of its votes', () => {
    const keyOf = (more: object) => judgeAll(preset, { reviews: [item(more)] })[0]?.key
    assert.equal(keyOf({}), keyOf({ votes_up: 7, sentiment: 0.1, updated_at: '2025-01-01T00:00:00.000Z' }))
    assert.notEqual(keyOf({}), keyOf({ deleted: true }))
  })

  test('sees an error, and that an empty page is none', () => {
    const error = { status: { code: 401, message: 'Access denied' } }
    assert.equal(reasonOf(judgeAll(preset, error)[0]).message, 'Access denied')
    assert.deepEqual(judgeAll(preset, { reviews: [] }), [])
  })
})

describe('trustpilot', async () => {
  const preset = await loadPreset('trustpilot')
  const event = (name: string, more: object = {}) => ({
    eventName: `service-review-${name}`,
    version: '1.0',
    eventData: {
      id: 'tp-invented-1',
      stars: 4,
      title: 'Quick',
      text: 'It came the next day.',
      createdAt: '2024-05-06T07:08:09.000Z',
      isVerified: true,
      consumer: { id: 'c-invented-1', name: 'Invented Person' },
      ...more,
    },
  })
  /** As a user writes it who has one shop. */
  const ofShop = presetSchema.parse({
    ...preset,
    name: 'shop',
    fields: { ...preset.fields, product_id: { value: 'the-shop' } },
  })

  test('finds every field in each of several events', () => {
    const delivery = {
      events: [event('created'), event('updated', { text: 'It broke.', consumer: { name: 'P' } })],
    }
    const [created, updated] = judgeAll(ofShop, delivery)
    assert.deepEqual(reviewOf(created), {
      review_id: 'tp-invented-1',
      product_id: 'the-shop',
      user_id: 'c-invented-1',
      review_text: 'It came the next day.',
      rating: 4,
      review_timestamp: '2024-05-06T07:08:09.000Z',
      title: 'Quick',
      verified_purchase: true,
      reviewer_name: 'Invented Person',
    })
    assert.equal(reasonOf(updated).code, 'missing_user_id')
    assert.equal(created?.key.slice(0, 16), updated?.key.slice(0, 16), 'a version of the same review')
    assert.notEqual(created?.key, updated?.key)
  })

  test('names no product by itself, and has a record of its own for a deletion', () => {
    const deleted = { eventName: 'service-review-deleted', eventData: { id: 'tp-invented-1' } }
    const [created, removed] = judgeAll(preset, { events: [event('created'), deleted] })
    assert.equal(reasonOf(created).code, 'missing_product_id')
    assert.equal(created?.key.slice(0, 16), removed?.key.slice(0, 16))
    assert.notEqual(created?.key, removed?.key)
  })

  test('finds nothing in a delivery without events, and keeps what is none', () => {
    assert.deepEqual(judgeAll(preset, { events: [] }), [])
    assert.equal(reasonOf(judgeAll(preset, { hello: 'world' })[0]).code, 'unreadable')
  })
})

describe('app-store', async () => {
  const preset = await loadPreset('app-store')
  const entry = (more: object = {}) => ({
    author: {
      uri: { label: 'https://shop.example/us/reviews/id1234567' },
      name: { label: 'Invented Person' },
      label: '',
    },
    updated: { label: '2024-05-06T07:08:09-07:00' },
    'im:rating': { label: '4' },
    'im:version': { label: '1.2.3' },
    id: { label: '11122233344' },
    title: { label: 'Handy' },
    content: { label: 'It lights the attic.', attributes: { type: 'text' } },
    link: {
      attributes: {
        rel: 'related',
        href: 'https://shop.example/us/review?id=7654321&type=Purple%20Software',
      },
    },
    'im:voteSum': { label: '3' },
    'im:voteCount': { label: '4' },
    ...more,
  })
  const feed = (...entries: readonly unknown[]) => ({
    feed: { author: { name: { label: 'Shop' } }, ...(entries.length > 0 && { entry: entries[0] }) },
  })
  const review = {
    review_id: '11122233344',
    product_id: '7654321',
    user_id: '1234567',
    review_text: 'It lights the attic.',
    rating: 4,
    review_timestamp: '2024-05-06T07:08:09-07:00',
    title: 'Handy',
    helpful_votes: 3,
    reviewer_name: 'Invented Person',
    variant: '1.2.3',
  }

  test('finds every field in a list of reviews, and in a single one', () => {
    const other = entry({ id: { label: '2' } })
    assert.deepEqual(
      judgeAll(preset, feed([entry(), other])).map((record) => reviewOf(record).review_id),
      ['11122233344', '2'],
    )
    assert.deepEqual(reviewOf(judgeAll(preset, feed([entry()]))[0]), review)
    assert.deepEqual(reviewOf(judgeAll(preset, feed(entry()))[0]), review)
  })

  test('finds nothing where the entry is missing or an empty list', () => {
    assert.deepEqual(judgeAll(preset, feed()), [])
    assert.deepEqual(judgeAll(preset, feed([])), [])
    assert.equal(reasonOf(judgeAll(preset, { hello: 'world' })[0]).code, 'unreadable')
  })

  test('takes the app, which older feeds begin with, for no review', () => {
    const app = {
      id: { label: 'https://shop.example/us/app/id7654321' },
      title: { label: 'Attic' },
      'im:name': { label: 'Attic' },
    }
    const [about, first] = judgeAll(preset, feed([app, entry()]))
    assert.equal(reasonOf(about).code, 'missing_product_id')
    assert.deepEqual(reviewOf(first), review)
  })

  test('knows a review again with other votes', () => {
    const keyOf = (more: object) => judgeAll(preset, feed([entry(more)]))[0]?.key
    assert.equal(keyOf({}), keyOf({ 'im:voteSum': { label: '9' } }))
    assert.notEqual(keyOf({}), keyOf({ 'im:rating': { label: '1' } }))
  })
})
