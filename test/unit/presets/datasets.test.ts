import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { judgeAll, judgeRows, reasonOf, reviewOf } from './judged.ts'

const derive = { missingReviewId: 'derive' } as const

describe('finefood', async () => {
  const preset = await loadPreset('finefood')
  const header =
    'Id,ProductId,UserId,ProfileName,HelpfulnessNumerator,HelpfulnessDenominator,Score,Time,Summary,Text'
  const row = '1,B0TESTJAM,AINVENTED1,"Person, Invented",3,4,5,1300060800,Sweet,"A ""fine"" jam.<br />Again!"'

  test('finds every field of a quoted row, and leaves HTML as it is', () => {
    const [record] = judgeRows(preset, ',', [header, row], derive)
    const { review_id, ...review } = reviewOf(record)
    assert.match(review_id, /^derived:[0-9a-f]{16}$/)
    assert.deepEqual(review, {
      product_id: 'B0TESTJAM',
      user_id: 'AINVENTED1',
      review_text: 'A "fine" jam.<br />Again!',
      rating: 5,
      review_timestamp: '2011-03-14T00:00:00.000Z',
      title: 'Sweet',
      helpful_votes: 3,
      reviewer_name: 'Person, Invented',
    })
  })

  test('takes the number of the row for no review id', () => {
    assert.equal(reasonOf(judgeRows(preset, ',', [header, row])[0]).code, 'missing_review_id')
  })

  test('keeps reviews apart that share author, product and time but not the text', () => {
    const [one, other] = judgeRows(preset, ',', [header, row, row.replace('Again!', 'Never!')], derive)
    assert.notEqual(reviewOf(one).review_id, reviewOf(other).review_id)
  })
})

describe('mcauley-2018', async () => {
  const preset = await loadPreset('mcauley-2018')
  const row = {
    overall: 4.0,
    vote: '1,341',
    verified: true,
    reviewTime: '03 7, 2016',
    reviewerID: 'AINVENTED1',
    asin: 'B0TESTSHOE',
    style: { 'Size:': ' Large', 'Color:': ' Blue/Grey' },
    reviewerName: 'Invented Person',
    reviewText: 'They fit.',
    summary: 'Four Stars',
    unixReviewTime: 1_457_308_800,
    image: ['https://images.example/1.jpg'],
  }

  test('finds every field; times are seconds, votes a text', () => {
    const [record] = judgeAll(preset, row, derive)
    const { review_id, ...review } = reviewOf(record)
    assert.match(review_id, /^derived:/)
    assert.deepEqual(record?.verdict.status === 'accepted' && record.verdict.derived, ['review_id'])
    assert.deepEqual(review, {
      product_id: 'B0TESTSHOE',
      user_id: 'AINVENTED1',
      review_text: 'They fit.',
      rating: 4,
      review_timestamp: '2016-03-07T00:00:00.000Z',
      title: 'Four Stars',
      verified_purchase: true,
      helpful_votes: 1341,
      images: ['https://images.example/1.jpg'],
      reviewer_name: 'Invented Person',
      variant: 'Size: Large, Color: Blue/Grey',
    })
  })

  test('reads the day where the seconds are missing', () => {
    const { unixReviewTime: _, ...rest } = row
    const { review_timestamp } = reviewOf(judgeAll(preset, rest, derive)[0])
    assert.equal(review_timestamp, '2016-03-07T00:00:00.000Z')
  })

  test('rejects rows without an id unless told to derive one, and rows without a text in any case', () => {
    assert.equal(reasonOf(judgeAll(preset, row)[0]).code, 'missing_review_id')
    const { reviewText: _, ...silent } = row
    assert.equal(reasonOf(judgeAll(preset, silent, derive)[0]).code, 'missing_review_text')
  })

  test('takes a row with other votes for the same review, one with another style for another', () => {
    const keyOf = (more: object) => judgeAll(preset, { ...row, ...more })[0]?.key
    assert.equal(keyOf({}), keyOf({ vote: '1,342' }))
    assert.notEqual(keyOf({}), keyOf({ style: { 'Size:': ' Small' } }))
  })
})

describe('mcauley-2023', async () => {
  const preset = await loadPreset('mcauley-2023')
  const row = {
    rating: 5.0,
    title: 'It fits',
    text: 'Soft.<br />Warm.',
    images: [
      {
        small_image_url: 'https://images.example/1-small.jpg',
        large_image_url: 'https://images.example/1-large.jpg',
        attachment_type: 'IMAGE',
      },
    ],
    asin: 'B0TESTSHOE',
    parent_asin: 'B0PARENT',
    user_id: 'AINVENTED1',
    timestamp: 1_600_000_000_123,
    helpful_vote: 0,
    verified_purchase: true,
  }

  test('finds every field; times are milliseconds', () => {
    const { review_id, ...review } = reviewOf(judgeAll(preset, row, derive)[0])
    assert.match(review_id, /^derived:/)
    assert.deepEqual(review, {
      product_id: 'B0TESTSHOE',
      user_id: 'AINVENTED1',
      review_text: 'Soft.<br />Warm.',
      rating: 5,
      review_timestamp: '2020-09-13T12:26:40.123Z',
      title: 'It fits',
      verified_purchase: true,
      helpful_votes: 0,
      images: ['https://images.example/1-large.jpg'],
    })
  })

  test('never tells the unit from the size of the number', () => {
    const { review_timestamp } = reviewOf(judgeAll(preset, { ...row, timestamp: 1_457_308_800 }, derive)[0])
    assert.equal(review_timestamp, '1970-01-17T20:48:28.800Z')
  })

  test('accepts a blank text, and rejects a row without an id unless told to derive one', () => {
    assert.equal(reviewOf(judgeAll(preset, { ...row, text: '' }, derive)[0]).review_text, '')
    assert.equal(reasonOf(judgeAll(preset, row)[0]).code, 'missing_review_id')
  })
})

describe('aws-customer-reviews', async () => {
  const preset = await loadPreset('aws-customer-reviews')
  const columns = {
    marketplace: 'US',
    customer_id: '12345678',
    review_id: 'RINVENTED1',
    product_id: 'B0TESTLAMP',
    product_parent: '987654321',
    product_title: 'A lamp',
    product_category: 'Home',
    star_rating: '4',
    helpful_votes: '2',
    total_votes: '3',
    vine: 'N',
    verified_purchase: 'Y',
    review_headline: 'Bright',
    review_body: '"Bright" enough, at 5" &#34;wide&#34;.<br />',
    review_date: '2014-05-06',
  }
  const judged = (more: Partial<typeof columns> = {}) =>
    judgeRows(preset, '\t', [
      Object.keys(columns).join('\t'),
      Object.values({ ...columns, ...more }).join('\t'),
    ])[0]

  test('finds every field; a quote is a character like any other', () => {
    assert.deepEqual(reviewOf(judged()), {
      review_id: 'RINVENTED1',
      product_id: 'B0TESTLAMP',
      user_id: '12345678',
      review_text: '"Bright" enough, at 5" &#34;wide&#34;.<br />',
      rating: 4,
      review_timestamp: '2014-05-06T00:00:00.000Z',
      title: 'Bright',
      verified_purchase: true,
      helpful_votes: 2,
      vine: false,
      marketplace: 'US',
      product_title: 'A lamp',
    })
  })

  test('accepts an empty text, and rejects an empty date or rating', () => {
    assert.equal(reviewOf(judged({ review_body: '' })).review_text, '')
    assert.equal(reasonOf(judged({ star_rating: '' })).code, 'missing_rating')
    assert.equal(reasonOf(judged({ review_date: '' })).code, 'invalid_review_timestamp')
  })

  test('makes no new version of votes', () => {
    assert.equal(judged()?.key, judged({ helpful_votes: '7', total_votes: '9' })?.key)
    assert.notEqual(judged()?.key, judged({ star_rating: '1' })?.key)
  })
})

describe('mcauley-2014', async () => {
  const preset = await loadPreset('mcauley-2014')
  const row = {
    reviewerID: 'AINVENTED1',
    asin: 'B0TESTLAMP',
    reviewerName: 'Invented Person',
    helpful: [3, 4],
    reviewText: 'Bright &amp; light.',
    overall: 5.0,
    summary: 'Bright',
    unixReviewTime: 1_300_060_800,
    reviewTime: '03 14, 2011',
  }

  test('finds every field; the helpful votes come before all', () => {
    const { review_id, ...review } = reviewOf(judgeAll(preset, row, derive)[0])
    assert.match(review_id, /^derived:/)
    assert.deepEqual(review, {
      product_id: 'B0TESTLAMP',
      user_id: 'AINVENTED1',
      review_text: 'Bright &amp; light.',
      rating: 5,
      review_timestamp: '2011-03-14T00:00:00.000Z',
      title: 'Bright',
      helpful_votes: 3,
      reviewer_name: 'Invented Person',
    })
  })

  test('takes a row with other votes for the same review', () => {
    const keyOf = (helpful: readonly number[]) => judgeAll(preset, { ...row, helpful })[0]?.key
    assert.equal(keyOf([3, 4]), keyOf([5, 6]))
  })
})

describe('amazon-reviews-multi', async () => {
  const preset = await loadPreset('amazon-reviews-multi')

  test('rejects every row, since there is no date, and makes none up', () => {
    const row = {
      review_id: 'ja_0000001',
      product_id: 'product_ja_1',
      reviewer_id: 'reviewer_ja_1',
      stars: '4',
      review_body: '明るい⚪︎',
      review_title: '良い',
      language: 'ja',
      product_category: 'home',
    }
    const [record] = judgeAll(preset, row)
    assert.equal(reasonOf(record).code, 'missing_review_timestamp')
    assert.ok(record?.verdict.status === 'rejected')
    assert.equal(record.verdict.errors.length, 1, 'all else is there, the stars too')
  })
})
