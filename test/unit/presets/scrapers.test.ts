import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { judgeAll, reasonOf, reviewOf } from './judged.ts'

const deriveUser = { missingUserId: 'derive' } as const

describe('rainforest', async () => {
  const preset = await loadPreset('rainforest')

  test('reads type=reviews, and believes a review about its product rather than the page', () => {
    const review = {
      id: 'R1',
      body: 'ok',
      rating: 4,
      date: { utc: '2024-03-03T00:00:00.000Z' },
      profile: { id: 'A1' },
    }
    const page = {
      request_info: { success: true },
      request_parameters: { type: 'reviews', asin: 'B0TESTLAMP', amazon_domain: 'amazon.com' },
      reviews: [review, { ...review, id: 'R2', asin: 'B0OTHER' }],
      pagination: { total_pages: 1 },
    }
    const products = judgeAll(preset, page).map((record) => reviewOf(record).product_id)
    assert.deepEqual(products, ['B0TESTLAMP', 'B0OTHER'])
  })

  test('takes the news that a collection is done for no empty answer', () => {
    const done = {
      request_info: { success: true, type: 'collection_resultset_completed' },
      result_set: { id: 1, download_links: { json: { pages: ['https://results.example/1.json'] } } },
    }
    assert.equal(reasonOf(judgeAll(preset, done)[0]).code, 'unreadable')
  })
})

describe('dataforseo', async () => {
  const preset = await loadPreset('dataforseo')
  const derive = { missingReviewId: 'derive' } as const
  const item = (more: object = {}) => ({
    type: 'amazon_review_item',
    rank_group: 1,
    rank_absolute: 1,
    position: 'left',
    xpath: '/html[1]/body[1]',
    verified: true,
    helpful_votes: 3,
    images: null,
    user_profile: {
      name: 'Invented Person',
      url: 'https://shop.example/gp/profile/amzn1.account.AINVENTED1/ref=x',
      reviews_count: 4,
    },
    title: 'Bright',
    review_text: 'Bright enough for the attic.',
    publication_date: '2019-11-15 12:57:46 +00:00',
    rating: { rating_type: 'Max5', value: 4, votes_count: null, rating_max: 5 },
    ...more,
  })
  const task = (...items: object[]) => ({
    id: '00000000-0000-0000-0000-000000000000',
    status_code: 20_000,
    status_message: 'Ok.',
    result_count: 1,
    data: { asin: 'B0TESTLAMP' },
    result: [
      { asin: 'B0TESTLAMP', se_domain: 'amazon.com', title: 'A lamp', items_count: items.length, items },
    ],
  })
  const answer = (...tasks: object[]) => ({ status_code: 20_000, status_message: 'Ok.', tasks })

  test('finds every field; the author is in the address of the profile', () => {
    const { review_id, ...review } = reviewOf(judgeAll(preset, answer(task(item())), derive)[0])
    assert.match(review_id, /^derived:/)
    assert.deepEqual(review, {
      product_id: 'B0TESTLAMP',
      user_id: 'AINVENTED1',
      review_text: 'Bright enough for the attic.',
      rating: 4,
      review_timestamp: '2019-11-15T12:57:46+00:00',
      title: 'Bright',
      verified_purchase: true,
      helpful_votes: 3,
      reviewer_name: 'Invented Person',
      marketplace: 'amazon.com',
      product_title: 'A lamp',
    })
  })

  test('invents no ids, takes no rating out of ten, and no time without a zone', () => {
    assert.equal(reasonOf(judgeAll(preset, answer(task(item())))[0]).code, 'missing_review_id')
    const wrong: readonly (readonly [object, string])[] = [
      [
        { user_profile: { name: 'Invented Person', url: 'https://shop.example/somebody' } },
        'missing_user_id',
      ],
      [{ rating: { value: 8, rating_max: 10 } }, 'invalid_rating'],
      [{ publication_date: '2019-11-15 12:57:46' }, 'invalid_review_timestamp'],
    ]
    for (const [more, code] of wrong)
      assert.equal(reasonOf(judgeAll(preset, answer(task(item(more))), derive)[0]).code, code)
  })

  test('knows a review again at another place of the list, with other votes', () => {
    const keyOf = (more: object) => judgeAll(preset, answer(task(item(more))))[0]?.key
    const again = { rank_group: 2, rank_absolute: 7, position: 'right', xpath: '/html[2]', helpful_votes: 9 }
    assert.equal(keyOf({}), keyOf(again))
    assert.notEqual(keyOf({}), keyOf({ review_text: 'Edited.' }))
  })

  test('sees an error of the whole answer, and one of a task beside a good one', () => {
    const whole = { status_code: 40_100, status_message: 'You are not authorized.', tasks: null }
    assert.deepEqual(reasonOf(judgeAll(preset, whole)[0]), {
      code: 'provider_error',
      message: 'You are not authorized.',
    })
    const failed = { status_code: 40_501, status_message: 'Invalid field.', result: null }
    const [error, review] = judgeAll(preset, answer(failed, task(item())), derive)
    assert.deepEqual(reasonOf(error), { code: 'provider_error', message: 'Invalid field.' })
    assert.equal(reviewOf(review).product_id, 'B0TESTLAMP')
  })

  test('finds nothing in a task without reviews, and keeps a task that is only created', () => {
    assert.deepEqual(judgeAll(preset, answer(task())), [])
    const none = { ...task(), result: [{ asin: 'B0TESTLAMP', items_count: 0, items: null }] }
    assert.deepEqual(judgeAll(preset, answer(none)), [])
    const created = { id: 'x', status_code: 20_100, status_message: 'Task Created.', result: null }
    assert.equal(reasonOf(judgeAll(preset, answer(created))[0]).code, 'unreadable')
  })
})

describe('oxylabs', async () => {
  const preset = await loadPreset('oxylabs')
  const review = (more: object = {}) => ({
    id: 'RINVENTED1',
    author: 'Verzonnen Iemand',
    content: 'Helder genoeg voor de zolder.',
    title: '4,0 van 5 sterren Helder',
    rating: 4,
    is_verified: 'True',
    product_attributes: 'Kleur: Blauw',
    timestamp: 'Beoordeeld in Nederland 🇳🇱 op 20 juni 2023',
    ...more,
  })
  const result = (content: unknown, status = 200) => ({
    content,
    created_at: '2023-07-19 14:04:35',
    job_id: '7087432033898598401',
    status_code: status,
  })
  const parsed = (...reviews: object[]) => ({
    asin: 'B0TESTLAMP',
    parse_status_code: 12_000,
    product_name: 'Een lamp',
    reviews,
  })

  test('finds every field; date and title are in the language of the shop', () => {
    const [record] = judgeAll(preset, { results: [result(parsed(review()))] }, deriveUser)
    const { user_id, ...rest } = reviewOf(record)
    assert.match(user_id, /^derived:/)
    assert.deepEqual(rest, {
      review_id: 'RINVENTED1',
      product_id: 'B0TESTLAMP',
      review_text: 'Helder genoeg voor de zolder.',
      rating: 4,
      review_timestamp: '2023-06-20T00:00:00.000Z',
      title: 'Helder',
      verified_purchase: true,
      reviewer_name: 'Verzonnen Iemand',
      country: 'nl',
      variant: 'Kleur: Blauw',
      product_title: 'Een lamp',
    })
  })

  test('takes the name of the author for no id', () => {
    const [record] = judgeAll(preset, { results: [result(parsed(review()))] })
    assert.equal(reasonOf(record).code, 'missing_user_id')
  })

  test('sees a page that failed or was not understood beside a good one, and says which', () => {
    const bad = { ...parsed(review()), parse_status_code: 12_005 }
    const records = judgeAll(
      preset,
      { results: [result('', 613), result(bad), result(parsed(review()))] },
      deriveUser,
    )
    assert.deepEqual(reasonOf(records[0]), {
      code: 'provider_error',
      message: 'the provider answered with an error: /status_code is 613',
    })
    assert.match(reasonOf(records[1]).message, /parse_status_code is 12005$/)
    assert.equal(reviewOf(records[2]).review_id, 'RINVENTED1')
  })

  test('sees an answer that is only about the job, and that a page without reviews is none', () => {
    assert.equal(reasonOf(judgeAll(preset, { message: 'Unauthorized' })[0]).message, 'Unauthorized')
    assert.equal(reasonOf(judgeAll(preset, { id: '7087', status: 'pending' })[0]).message, 'pending')
    assert.deepEqual(judgeAll(preset, { results: [result(parsed())] }), [])
  })
})

describe('outscraper', async () => {
  const preset = await loadPreset('outscraper')
  const item = (more: object = {}) => ({
    query: 'B0TESTLAMP',
    id: 'RINVENTED1',
    product_asin: 'B0TESTLAMP',
    title: 'Bright',
    rating: '4.0 out of 5 stars',
    date: 'Reviewed in the United States on March 3, 2024',
    body: 'Bright enough for the attic.',
    ...more,
  })
  const answer = (data: unknown) => ({ id: 'x', status: 'Success', data })

  test('finds every field in a list for each query', () => {
    const [first, second] = judgeAll(
      preset,
      answer([[item()], [], [item({ id: 'RINVENTED2', rating: 5 })]]),
      deriveUser,
    )
    const { user_id, ...review } = reviewOf(first)
    assert.match(user_id, /^derived:/)
    assert.deepEqual(review, {
      review_id: 'RINVENTED1',
      product_id: 'B0TESTLAMP',
      review_text: 'Bright enough for the attic.',
      rating: 4,
      review_timestamp: '2024-03-03T00:00:00.000Z',
      title: 'Bright',
      country: 'us',
    })
    assert.equal(reviewOf(second).rating, 5)
  })

  test('finds the same review in one list, in lists alone and alone, with the same key', () => {
    const shapes = [answer([[item()]]), answer([item()]), [[item()]], [item()], item()]
    const keys = shapes.map((shape) => judgeAll(preset, shape).map(({ key }) => key))
    assert.deepEqual(keys, Array(shapes.length).fill(keys[0]))
    assert.equal(keys[0]?.length, 1)
  })

  test('finds nothing in empty lists', () => {
    for (const shape of [answer([]), answer([[]]), answer([[], []]), [[]], []])
      assert.deepEqual(judgeAll(preset, shape), [], JSON.stringify(shape))
  })

  test('sees an error that comes with success, and results that are not ready', () => {
    const error = { error: true, errorMessage: 'Out of credit.' }
    assert.deepEqual(reasonOf(judgeAll(preset, error)[0]), {
      code: 'provider_error',
      message: 'Out of credit.',
    })
    const pending = reasonOf(judgeAll(preset, { id: 'x', status: 'Pending' })[0])
    assert.deepEqual(pending, {
      code: 'provider_error',
      message: 'the provider answered with an error: /status is "Pending"',
    })
  })
})

describe('omkar', async () => {
  const preset = await loadPreset('omkar')
  const item = (more: object = {}) => ({
    review_id: 'RINVENTED1',
    product_asin: 'B0TESTLAMP',
    review_title: 'Bright',
    review_text: 'Bright enough for the attic.',
    review_link: 'https://shop.example/reviews/RINVENTED1',
    rating: 5,
    review_date: 'Reviewed in the United States on December 1, 2025',
    is_verified_purchase: true,
    helpful_votes: 32,
    reviewer_name: 'Invented Person',
    reviewer_id: 'AINVENTED1',
    review_images: ['https://images.example/1.jpg'],
    review_video: null,
    reviewed_variant: { Style: 'Plain', Color: 'Blue' },
    is_vine_review: false,
    ...more,
  })

  test('finds every field, in each of its lists', () => {
    for (const list of ['top_reviews', 'results', 'reviews'])
      assert.deepEqual(reviewOf(judgeAll(preset, { [list]: [item()] })[0]), {
        review_id: 'RINVENTED1',
        product_id: 'B0TESTLAMP',
        user_id: 'AINVENTED1',
        review_text: 'Bright enough for the attic.',
        rating: 5,
        review_timestamp: '2025-12-01T00:00:00.000Z',
        title: 'Bright',
        verified_purchase: true,
        helpful_votes: 32,
        vine: false,
        images: ['https://images.example/1.jpg'],
        reviewer_name: 'Invented Person',
        country: 'us',
        variant: 'Style: Plain, Color: Blue',
        review_url: 'https://shop.example/reviews/RINVENTED1',
      })
  })

  test('rejects a date that was not written by a calendar, and sees an error', () => {
    const [record] = judgeAll(preset, { results: [item({ review_date: 'Reviewed on February 30, 2025' })] })
    assert.equal(reasonOf(record).code, 'invalid_review_timestamp')
    assert.equal(reasonOf(judgeAll(preset, { error: 'No such product.' })[0]).message, 'No such product.')
  })
})

describe('rapidapi-amazon', async () => {
  const preset = await loadPreset('rapidapi-amazon')
  const item = (more: object = {}) => ({
    review_id: 'RINVENTED1',
    review_title: 'Bright',
    review_comment: 'Bright enough for the attic.',
    review_star_rating: '5',
    review_link: 'https://shop.example/reviews/RINVENTED1',
    review_author: 'Invented Person',
    review_images: [],
    review_date: 'Reviewed in India on 17 July 2024',
    is_verified_purchase: true,
    helpful_vote_statement: 'One person found this helpful',
    ...more,
  })
  const answer = (...reviews: object[]) => ({
    status: 'OK',
    request_id: 'x',
    data: { asin: 'B0TESTLAMP', country: 'IN', domain: 'www.amazon.in', reviews },
  })

  test('finds every field; rating and votes are texts', () => {
    const { user_id, ...review } = reviewOf(judgeAll(preset, answer(item()), deriveUser)[0])
    assert.match(user_id, /^derived:/)
    assert.deepEqual(review, {
      review_id: 'RINVENTED1',
      product_id: 'B0TESTLAMP',
      review_text: 'Bright enough for the attic.',
      rating: 5,
      review_timestamp: '2024-07-17T00:00:00.000Z',
      title: 'Bright',
      verified_purchase: true,
      helpful_votes: 1,
      images: [],
      reviewer_name: 'Invented Person',
      country: 'in',
      marketplace: 'amazon.in',
      review_url: 'https://shop.example/reviews/RINVENTED1',
    })
  })

  test('believes a review about its product, and knows it again with other votes', () => {
    const other = judgeAll(preset, answer(item({ reviewed_product_asin: 'B0OTHER' })), deriveUser)[0]
    assert.equal(reviewOf(other).product_id, 'B0OTHER')
    const keyOf = (more: object) => judgeAll(preset, answer(item(more)))[0]?.key
    assert.equal(keyOf({}), keyOf({ helpful_vote_statement: '5 people found this helpful' }))
  })

  test('sees the errors of the service and of the gate before it, and that no reviews are no error', () => {
    const errors: readonly (readonly [object, string])[] = [
      [{ status: 'ERROR', error: { message: 'Invalid asin.', code: 400 } }, 'Invalid asin.'],
      [{ message: 'You have exceeded the MONTHLY quota.' }, 'You have exceeded the MONTHLY quota.'],
    ]
    for (const [body, message] of errors)
      assert.deepEqual(reasonOf(judgeAll(preset, body)[0]), { code: 'provider_error', message })
    assert.deepEqual(judgeAll(preset, answer()), [])
  })
})

describe('sellerapp', async () => {
  const preset = await loadPreset('sellerapp')
  const item = {
    review_id: 'RINVENTED1',
    product_id: 'B0TESTLAMP',
    author: 'Invented Person',
    rating: '4.0',
    description: 'Bright enough for the attic.',
    title: 'Bright',
    place: 'United States',
    is_verified: true,
    review_date: '2025-03-16',
  }

  test('finds every field; the author is a name and no id', () => {
    const page = { reviews: [item], reviews_meta: { total: 1 } }
    assert.equal(reasonOf(judgeAll(preset, page)[0]).code, 'missing_user_id')
    const { user_id, ...review } = reviewOf(judgeAll(preset, page, deriveUser)[0])
    assert.match(user_id, /^derived:/)
    assert.deepEqual(review, {
      review_id: 'RINVENTED1',
      product_id: 'B0TESTLAMP',
      review_text: 'Bright enough for the attic.',
      rating: 4,
      review_timestamp: '2025-03-16T00:00:00.000Z',
      title: 'Bright',
      verified_purchase: true,
      reviewer_name: 'Invented Person',
      country: 'us',
    })
  })

  test('sees an error, and that an empty page is none', () => {
    assert.equal(reasonOf(judgeAll(preset, { error: 'Unknown key.' })[0]).message, 'Unknown key.')
    assert.deepEqual(judgeAll(preset, { reviews: [], reviews_meta: {} }), [])
  })
})
