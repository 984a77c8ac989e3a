import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { judgeAll, reasonOf, reviewOf } from './judged.ts'

describe('brightdata', async () => {
  const preset = await loadPreset('brightdata')
  const record = (more: object = {}) => ({
    url: 'https://shop.example/dp/B0TESTLAMP/',
    product_name: 'A lamp',
    product_rating: 3.9,
    product_rating_count: 77,
    rating: 5,
    author_name: 'Invented Person',
    asin: 'B0TESTLAMP',
    review_header: 'Bright',
    review_id: 'RINVENTED1',
    review_text: 'Bright enough for the attic.',
    author_id: 'AINVENTED1',
    author_link: 'https://shop.example/gp/profile/amzn1.account.AINVENTED1',
    badge: 'Verified Purchase',
    review_posted_date: 'October 3, 2023',
    review_country: 'United States',
    helpful_count: 6,
    review_images: ['https://images.example/1.jpg'],
    timestamp: '2023-11-02T10:20:30.400Z',
    input: { url: 'https://shop.example/dp/B0TESTLAMP/', keyword: 'bright' },
    ...more,
  })

  test('finds every field; the date is that of the review, not that of the scraping', () => {
    assert.deepEqual(reviewOf(judgeAll(preset, record())[0]), {
      review_id: 'RINVENTED1',
      product_id: 'B0TESTLAMP',
      user_id: 'AINVENTED1',
      review_text: 'Bright enough for the attic.',
      rating: 5,
      review_timestamp: '2023-10-03T00:00:00.000Z',
      title: 'Bright',
      verified_purchase: true,
      helpful_votes: 6,
      images: ['https://images.example/1.jpg'],
      reviewer_name: 'Invented Person',
      country: 'us',
      product_title: 'A lamp',
    })
  })

  test('takes a badge of another kind for no statement about the purchase', () => {
    const review = reviewOf(judgeAll(preset, record({ badge: 'Invented badge' }))[0])
    assert.equal(review['verified_purchase'], undefined)
  })

  test('knows a review again when it is scraped later, with other votes and ratings of the product', () => {
    const again = { timestamp: '2025-01-01T00:00:00.000Z', helpful_count: 9, product_rating: 4.4 }
    assert.equal(judgeAll(preset, record())[0]?.key, judgeAll(preset, record(again))[0]?.key)
    const nameless = { review_id: null }
    assert.equal(
      judgeAll(preset, record(nameless))[0]?.key,
      judgeAll(preset, record({ ...nameless, ...again }))[0]?.key,
      'also without an id',
    )
  })

  test('sees the errors and the waiting that come in place of reviews', () => {
    const failures: readonly (readonly [object, string])[] = [
      [{ status: 'running', message: 'Not ready yet.' }, 'Not ready yet.'],
      [{ input: {}, error: 'The page is gone.', error_code: 'dead_page' }, 'The page is gone.'],
      [{ input: {}, error_code: 'dead_page' }, 'dead_page'],
    ]
    for (const [body, message] of failures)
      assert.deepEqual(reasonOf(judgeAll(preset, body)[0]), { code: 'provider_error', message })
    reviewOf(judgeAll(preset, record({ error: null, error_code: null }))[0])
  })
})

describe('apify-junglee', async () => {
  const preset = await loadPreset('apify-junglee')
  const item = (more: object = {}) => ({
    reviewTitle: 'Bright',
    reviewDescription: 'Bright enough for the attic.',
    ratingScore: 4,
    reviewImages: ['https://images.example/1.jpg'],
    reviewId: 'RINVENTED1',
    date: '2025-06-07',
    reviewedIn: 'Reviewed in India on 7 June 2025',
    reviewUrl: 'https://shop.example/reviews/RINVENTED1',
    reviewReaction: 'One person found this helpful',
    isVerified: true,
    isAmazonVine: false,
    userId: 'AINVENTED1',
    variant: null,
    variantAttributes: null,
    position: 1,
    productAsin: 'B0TESTLAMP',
    product: { title: 'A lamp', price: { value: 9.5, currency: '₹' } },
    input: { maxReviews: 10 },
    country: 'India',
    countryCode: null,
    ...more,
  })

  test('finds every field, and leaves out what is null', () => {
    assert.deepEqual(reviewOf(judgeAll(preset, item())[0]), {
      review_id: 'RINVENTED1',
      product_id: 'B0TESTLAMP',
      user_id: 'AINVENTED1',
      review_text: 'Bright enough for the attic.',
      rating: 4,
      review_timestamp: '2025-06-07T00:00:00.000Z',
      title: 'Bright',
      verified_purchase: true,
      helpful_votes: 1,
      vine: false,
      images: ['https://images.example/1.jpg'],
      country: 'in',
      product_title: 'A lamp',
      review_url: 'https://shop.example/reviews/RINVENTED1',
    })
  })

  test('reads the date from the sentence where it has no date of its own', () => {
    const { review_timestamp } = reviewOf(judgeAll(preset, item({ date: null }))[0])
    assert.equal(review_timestamp, '2025-06-07T00:00:00.000Z')
    const neither = judgeAll(preset, item({ date: null, reviewedIn: null }))[0]
    assert.equal(reasonOf(neither).code, 'missing_review_timestamp')
  })

  test('makes no new version of another position, product page or language of the shop', () => {
    const again = { position: 7, product: { title: 'A lamp', price: { value: 8 } }, reviewedIn: 'अन्य' }
    const [first] = judgeAll(preset, item())
    assert.equal(first?.key, judgeAll(preset, item(again))[0]?.key)
    assert.notEqual(first?.key, judgeAll(preset, item({ reviewDescription: 'Edited.' }))[0]?.key)
  })

  test('sees an error of the platform', () => {
    const error = { type: 'rate-limit-exceeded', message: 'Too many requests.' }
    assert.deepEqual(reasonOf(judgeAll(preset, { error })[0]), {
      code: 'provider_error',
      message: 'Too many requests.',
    })
  })
})

describe('apify-axesso', async () => {
  const preset = await loadPreset('apify-axesso')
  const item = (more: object = {}) => ({
    statusMessage: 'FOUND',
    asin: 'B0TESTLAMP',
    productTitle: 'A lamp',
    currentPage: 1,
    countReviews: 9,
    domainCode: 'co.uk',
    productRating: '4.2 out of 5',
    reviewId: 'RINVENTED1',
    text: 'Bright enough for the attic.',
    date: 'Reviewed in the United Kingdom on 12 May 2023',
    rating: '5.0 out of 5 stars',
    title: 'Bright',
    userName: 'Invented Person',
    numberOfHelpful: 2,
    imageUrlList: null,
    videoUrlList: [],
    variationList: ['Size: Small'],
    verified: true,
    vine: false,
    profilePath: '/gp/profile/amzn1.account.AINVENTED1/ref=page_one',
    ...more,
  })

  test('finds every field; the author is in the path of the profile', () => {
    assert.deepEqual(reviewOf(judgeAll(preset, item())[0]), {
      review_id: 'RINVENTED1',
      product_id: 'B0TESTLAMP',
      user_id: 'AINVENTED1',
      review_text: 'Bright enough for the attic.',
      rating: 5,
      review_timestamp: '2023-05-12T00:00:00.000Z',
      title: 'Bright',
      verified_purchase: true,
      helpful_votes: 2,
      vine: false,
      videos: [],
      reviewer_name: 'Invented Person',
      country: 'gb',
      marketplace: 'amazon.co.uk',
      variant: 'Size: Small',
      product_title: 'A lamp',
    })
  })

  test('invents no author where the path names no account', () => {
    for (const profilePath of [null, '', '/gp/profile/somebody'])
      assert.equal(reasonOf(judgeAll(preset, item({ profilePath }))[0]).code, 'missing_user_id')
  })

  test('makes no new version of the page on which a review was seen', () => {
    const again = { currentPage: 2, profilePath: '/gp/profile/amzn1.account.AINVENTED1/ref=page_two' }
    assert.equal(judgeAll(preset, item())[0]?.key, judgeAll(preset, item(again))[0]?.key)
  })

  test('rejects a rating and a date that it can not read, and says what it found', () => {
    const [rating] = judgeAll(preset, item({ rating: 'five stars' }))
    assert.match(reasonOf(rating).message, /^rating must be a number, found "five stars"/)
    const [date] = judgeAll(preset, item({ date: 'Reviewed in the United Kingdom on 31 November 2024' }))
    assert.equal(reasonOf(date).code, 'invalid_review_timestamp')
    assert.match(reasonOf(date).message, /31 November 2024/)
  })
})

describe('bazaarvoice', async () => {
  const preset = await loadPreset('bazaarvoice')
  const result = (more: object = {}) => ({
    Id: '10001',
    ProductId: 'lamp-1',
    AuthorId: 'invented1',
    UserNickname: 'Invented Person',
    Rating: 4,
    RatingRange: 5,
    ReviewText: 'Bright enough for the attic.',
    Title: 'Bright',
    IsRatingsOnly: false,
    SubmissionTime: '2019-03-05T08:15:30.000+00:00',
    LastModificationTime: '2019-03-06T09:00:00.000+00:00',
    TotalPositiveFeedbackCount: 2,
    ContentLocale: 'en_US',
    Photos: [{ Id: 'p1', Sizes: { normal: { Url: 'https://images.example/1.jpg' } } }],
    Cons: null,
    ...more,
  })
  const page = (...Results: object[]) => ({
    HasErrors: false,
    Errors: [],
    Offset: 0,
    Limit: 20,
    TotalResults: Results.length,
    Results,
    Includes: { Products: {} },
  })

  test('finds every field, whatever the product ids look like', () => {
    assert.deepEqual(reviewOf(judgeAll(preset, page(result()))[0]), {
      review_id: '10001',
      product_id: 'lamp-1',
      user_id: 'invented1',
      review_text: 'Bright enough for the attic.',
      rating: 4,
      review_timestamp: '2019-03-05T08:15:30.000+00:00',
      title: 'Bright',
      helpful_votes: 2,
      images: ['https://images.example/1.jpg'],
      reviewer_name: 'Invented Person',
      language: 'en_US',
    })
  })

  test('rejects a review that is a rating alone, and a rating that is not out of five', () => {
    const [ratingsOnly, outOfTen] = judgeAll(
      preset,
      page(result({ ReviewText: null, IsRatingsOnly: true }), result({ Id: '10002', RatingRange: 10 })),
    )
    assert.equal(reasonOf(ratingsOnly).code, 'missing_review_text')
    assert.equal(reasonOf(outOfTen).message, 'rating must be a number, found "4 of 10"')
  })

  test('sees an error that looks like an answer, and that an empty page is none', () => {
    const failed = {
      ...page(),
      HasErrors: true,
      Errors: [{ Message: 'The passkey is invalid.', Code: 'ERROR_PARAM_INVALID_API_KEY' }],
    }
    assert.deepEqual(reasonOf(judgeAll(preset, failed)[0]), {
      code: 'provider_error',
      message: 'The passkey is invalid.',
    })
    assert.deepEqual(judgeAll(preset, page()), [])
  })

  test('makes no new version of votes and of what moderators did', () => {
    const again = { TotalPositiveFeedbackCount: 8, LastModificationTime: '2017-01-01T00:00:00.000+00:00' }
    const keyOf = (one: object) => judgeAll(preset, page(one))[0]?.key
    assert.equal(keyOf(result()), keyOf(result(again)))
    assert.notEqual(keyOf(result()), keyOf(result({ Title: 'Edited' })))
  })
})
