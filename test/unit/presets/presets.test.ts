import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadPreset, presets } from '../../../src/presets/index.ts'
import { canonical } from '../../../src/presets/canonical.ts'
import { presetSchema } from '../../../src/presets/preset.ts'
import { createSplit } from '../../../src/presets/split.ts'
import { temporaryFolder } from '../../support/temp.ts'
import { judgeAll, reviewOf } from './judged.ts'

const review = (id: string, more: object = {}) => ({
  id,
  title: 'Does what it says',
  body: 'Bright enough for the attic. Read more',
  rating: 4,
  date: { raw: 'Reviewed in the United States on March 3, 2024', utc: '2024-03-03T00:00:00.000Z' },
  profile: { name: 'Invented Person', id: `amzn1.account.${id}` },
  images: [{ link: `https://images.example/${id}.jpg` }],
  verified_purchase: true,
  review_country: 'us',
  ...more,
})
const response = (...reviews: object[]) => ({
  request_info: { success: true },
  request_parameters: { amazon_domain: 'amazon.com', asin: 'B0TESTLAMP' },
  product: { asin: 'B0TESTLAMP', title: 'A lamp', top_reviews: reviews },
})

const plain = {
  review_id: 'R1',
  product_id: 'B1',
  user_id: 'A1',
  review_text: 'ok',
  rating: 4,
  review_timestamp: '2024-03-03T00:00:00.000Z',
}

describe('rainforest', async () => {
  const preset = await loadPreset('rainforest')

  test('takes the product from the page, and the exact bytes of each review', () => {
    const page = response(review('R1'), review('R2'))
    const bytes = Buffer.from(JSON.stringify(page, undefined, 2))
    const records = judgeAll(preset, page)
    assert.equal(records.length, 2)
    const [first] = records
    assert.ok(first?.verdict.status === 'accepted')
    assert.deepEqual(first.verdict.review, {
      review_id: 'R1',
      product_id: 'B0TESTLAMP',
      user_id: 'amzn1.account.R1',
      review_text: 'Bright enough for the attic. Read more',
      rating: 4,
      review_timestamp: '2024-03-03T00:00:00.000Z',
      title: 'Does what it says',
      verified_purchase: true,
      images: ['https://images.example/R1.jpg'],
      reviewer_name: 'Invented Person',
      marketplace: 'amazon.com',
      country: 'us',
      product_title: 'A lamp',
    })
    for (const { received } of records) assert.ok(bytes.includes(received.raw))
  })

  test('reads arrays in a wrapper, and keeps a failed response beside the good ones with what it said', () => {
    const failed = {
      request_info: { success: false, message: 'The page could not be found.', http_status_code: 404 },
    }
    const records = judgeAll(preset, { message: 'ok', product_data: [failed, response(review('R1'))] })
    assert.deepEqual(
      records.map(({ verdict }) => (verdict.status === 'rejected' ? verdict.errors[0]?.message : 'accepted')),
      ['The page could not be found.', 'accepted'],
    )
  })

  test('finds nothing in a success without reviews, and keeps what it does not understand', () => {
    assert.deepEqual(judgeAll(preset, { request_info: { success: true }, product: { asin: 'B1' } }), [])
    const [unknown] = judgeAll(preset, { hello: 'world' })
    assert.ok(unknown?.verdict.status === 'rejected')
    assert.match(unknown.verdict.errors[0]?.message ?? '', /no reviews where rainforest has them/)
    const [broken] = judgeAll(preset, '{"product":{"top_reviews":[{"id":"R1"')
    assert.ok(broken?.verdict.status === 'rejected' && broken.verdict.code === 'unreadable')
  })

  test('knows a review again, however deep it stood and whatever its votes', () => {
    const [plain] = judgeAll(preset, response(review('R1')))
    const [wrapped] = judgeAll(preset, { product_data: [response(review('R1', { helpful_votes: 7 }))] })
    const [edited] = judgeAll(preset, response(review('R1', { body: 'Edited.' })))
    assert.equal(plain?.key, wrapped?.key)
    assert.notEqual(plain?.key, edited?.key)
    assert.equal(plain?.key.slice(0, 16), edited?.key.slice(0, 16))
  })

  test('rejects a global review without a profile id: no id is invented', () => {
    const [global] = judgeAll(
      preset,
      response(review('R1', { profile: { name: 'Somebody' }, is_global_review: true })),
    )
    assert.ok(global?.verdict.status === 'rejected' && global.verdict.code === 'missing_user_id')
  })
})

describe('a preset of the user', () => {
  test('is written in YAML', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'shop.yaml')
    await writeFile(
      path,
      `
name: my-shop
version: 3
items: [/data/reviews/*]
carry: { sku: /data/sku }
fields:
  review_id: { from: /no, parse: id }
  product_id: { carried: sku }
  user_id: { from: [/customer/id, /customer/email_hash], parse: id }
  review_text: { from: /text }
  rating: { from: /stars, parse: number }
  review_timestamp: { from: /at, parse: seconds }
`,
    )
    const item = '{"no":90071992547409931234,"customer":{"id":7},"text":"ok","stars":"4.5","at":1700000000}'
    const [record] = judgeAll(await loadPreset(path), `{"data":{"sku":"S-1","reviews":[${item}]}}`)
    assert.ok(record?.verdict.status === 'accepted')
    assert.deepEqual(record.verdict.review, {
      review_id: '90071992547409931234',
      product_id: 'S-1',
      user_id: '7',
      review_text: 'ok',
      rating: 4.5,
      review_timestamp: '2023-11-14T22:13:20.000Z',
    })
    assert.equal(record.verdict.by.preset, 'my-shop@3')
  })

  test('gives all reviews a value that the provider does not, unless an item has its own', () => {
    const preset = presetSchema.parse({
      name: 'one-shop',
      version: 1,
      fields: { ...canonical.fields, product_id: { from: '/product_id', value: 'the-shop' } },
    })
    const { product_id: _, ...about } = plain
    assert.equal(reviewOf(judgeAll(preset, about)[0]).product_id, 'the-shop')
    assert.equal(reviewOf(judgeAll(preset, plain)[0]).product_id, 'B1')
  })

  test('took nothing from the envelope where all other fields stood under their own names', () => {
    const preset = presetSchema.parse({
      name: 'plain',
      version: 1,
      items: ['/reviews/*'],
      carry: { product: '/product' },
      fields: { ...canonical.fields, product_id: { from: '/product_id', carried: 'product' } },
    })
    const { product_id: _, ...about } = plain
    assert.equal(reviewOf(judgeAll(preset, { product: 'B7', reviews: [about] })[0]).product_id, 'B7')
  })

  test('reads what is carried by the same parser', () => {
    const preset = presetSchema.parse({
      name: 'numbered',
      version: 1,
      items: ['/reviews/*'],
      carry: { product: '/product' },
      fields: { ...canonical.fields, product_id: { carried: 'product', parse: 'id' } },
    })
    assert.equal(reviewOf(judgeAll(preset, { product: 7, reviews: [plain] })[0]).product_id, '7')
  })

  test('tells every problem with its path', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'bad.yaml')
    await writeFile(
      path,
      'name: Bad Name\nversion: 0\nfields: { rating: { from: stars }, colour: { from: /c } }\n',
    )
    await assert.rejects(loadPreset(path), (error: Error & { code: string }) => {
      assert.equal(error.code, 'CONFIG_INVALID')
      for (const part of ['name', 'version', 'fields.rating.from', 'colour', 'such as /date/utc'])
        assert.ok(error.message.includes(part), part)
      return true
    })
    await assert.rejects(loadPreset('rainforst'), /expected one of canonical, rainforest/)
    await assert.rejects(loadPreset('./absent.yaml'), /cannot read/)
  })
})

describe('what travels with every item of a response', async () => {
  const split = createSplit(await loadPreset('rainforest'))
  const carriedIn = (asin: string): unknown => {
    const [piece] = split(Buffer.from(`{"product":{"asin":${asin}},"top_reviews":[{"id":"R1"}]}`))
    return piece?.carried?.['product']
  }

  test('is a text, a number or a truth value that JSON gives back as it was', () => {
    for (const asin of ['"B1"', '""', '7', '-1.5', '9007199254740991', 'true', `"${'x'.repeat(10_000)}"`])
      assert.deepEqual(carriedIn(asin), JSON.parse(asin), asin.slice(0, 30))
  })

  test('is nothing that grows with it, is altered by it, or takes down who prints it', () => {
    const deep = '['.repeat(10_000) + ']'.repeat(10_000)
    const wrong = [deep, '[]', '{"a":1}', '1e400', '9007199254740993', '"\\ud800"', `"${'x'.repeat(10_001)}"`]
    for (const asin of wrong) assert.equal(carriedIn(asin), undefined, asin.slice(0, 30))
  })
})

describe('what a provider says in place of reviews', async () => {
  const split = createSplit(await loadPreset('apify-junglee'))
  const saidBy = (error: string): string => [...split(Buffer.from(`{"error":${error}}`))][0]?.failure ?? ''

  test('is its text, or the beginning of its JSON, exactly', () => {
    assert.equal(saidBy('{"message":"no \\u0041SIN"}'), 'no ASIN')
    assert.equal(saidBy('{"message":null,"id":9007199254740993}'), '{"message":null,"id":9007199254740993}')
    assert.equal(saidBy('429.0'), '429.0')
  })

  test('is no longer than 1,000 characters, none of them cut in half', () => {
    const deep = '['.repeat(10_000) + ']'.repeat(10_000)
    for (const error of [deep, `{"message":${deep}}`, `"${'x'.repeat(999)}😀"`, `"${'😀'.repeat(9_999)}"`]) {
      assert.equal(saidBy(error).length, 1_000)
      assert.ok(saidBy(error).isWellFormed())
    }
  })
})

test('every preset is valid, goes by its own name and says whose responses it reads', async () => {
  for (const name of Object.keys(presets)) {
    const preset = await loadPreset(name)
    assert.equal(preset.name, name)
    assert.ok(preset.about, name)
    assert.ok(preset.provider, name)
    for (const quirk of preset.quirks) assert.match(quirk, /^[A-Za-z].*\.$/, name)
  }
})

test('the page of presets has a row for each, with its coverage', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/presets.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([^`]+)` \| [^|]+ \| (full|top) \|/gm)].map(([, ...row]) => row)
  const known = await Promise.all(Object.keys(presets).map(loadPreset))
  assert.deepEqual(
    rows,
    known.map(({ name, coverage }) => [name, coverage]),
  )
})
