import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { presetSchema, type PresetInput } from '../../../src/presets/preset.ts'
import { canonical } from '../../../src/presets/canonical.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { createSplit } from '../../../src/presets/split.ts'
import { suggest, type Suggestion } from '../../../src/presets/suggest.ts'
import { interpret, judge, type Rules } from '../../../src/review/interpret.ts'
import { isRequired, REVIEW_FIELDS } from '../../../src/review/fields.ts'
import { createRepair } from '../../../src/review/repair.ts'
import { captured } from '../../support/captures.ts'
import { review } from '../../support/reviews.ts'

const canonicalRules = compileRules(presetSchema.parse(canonical))

const { path: capture, skip } = captured('rainforest/responses_res1.json')

interface Around {
  readonly preset?: PresetInput
  readonly carried?: Readonly<Record<string, unknown>>
}

/** What is suggested for the first fault of these items. */
function suggestedFor(items: readonly string[], { preset, carried }: Around = {}): readonly Suggestion[] {
  const rules = preset ? compileRules(presetSchema.parse(preset)) : canonicalRules
  const letters = items.map((item) => {
    const context = { source: 'shop', kind: 'webhook', ...(carried && { carried }) }
    const received = { origin: 'shop', receivedAt: 0, raw: Buffer.from(item), context }
    return { record: judge(received, rules), rules }
  })
  const verdict = letters[0]?.record.verdict
  assert.ok(verdict?.status === 'rejected' && verdict.errors[0])
  return suggest(verdict.errors[0], letters)
}

const stepsFor = (items: readonly string[], around?: Around): unknown => suggestedFor(items, around)[0]?.steps

suite('what is suggested for a fault', () => {
  test('reads a rating that came as a sentence', () => {
    const [best] = suggestedFor([
      review('R1', { rating: '4.0 out of 5 stars' }),
      review('R2', { rating: '5,0 von 5 Sternen' }),
    ])
    assert.deepEqual(best, {
      title: 'read rating as stars: "4.0 out of 5 stars" → 4',
      steps: [{ parse: 'rating', as: 'stars' }],
      passes: 2,
      mends: 2,
      of: 2,
    })
  })

  test('reads numbers in texts, with separators too, as the plainest parser does', () => {
    assert.deepEqual(stepsFor([review('R1', { rating: '4' })]), [{ parse: 'rating', as: 'number' }])
    const counted = [review('R1', { helpful_votes: '1,341' })]
    assert.deepEqual(stepsFor(counted), [{ parse: 'helpful_votes', as: 'count' }])
  })

  test('reads dates of other languages, and seconds as what they are', () => {
    const spoken = [review('R1', { review_timestamp: '26. Oktober 2023' })]
    assert.deepEqual(stepsFor(spoken), [{ parse: 'review_timestamp', as: 'day' }])
    const counted = [review('R1', { review_timestamp: 1698314400 })]
    assert.deepEqual(stepsFor(counted), [{ parse: 'review_timestamp', as: 'seconds' }])
  })

  test('finds an id elsewhere in the item, also as a number or in the address of a profile', () => {
    const by = (author: object): string[] => [review('R1', { user_id: undefined, author })]
    assert.deepEqual(stepsFor(by({ id: 'A1' })), [{ copy: '/item/author/id', to: 'user_id' }])
    assert.deepEqual(stepsFor(by({ id: 17 })), [
      { copy: '/item/author/id', to: 'user_id' },
      { parse: 'user_id', as: 'id' },
    ])
    for (const name of ['link', 'page'])
      assert.deepEqual(stepsFor(by({ [name]: '/gp/profile/amzn1.account.AX7/ref=x' })), [
        { copy: `/item/author/${name}`, to: 'user_id' },
        { parse: 'user_id', as: 'account' },
      ])
  })

  test('finds a date where it is written, and not when somebody looked or answered', () => {
    const item = review('R1', {
      review_timestamp: undefined,
      scrapedAt: '2026-01-01T00:00:00Z',
      response: { date: '2025-01-01T00:00:00Z' },
      date: { raw: 'Reviewed in Japan on 3 May 2021' },
    })
    assert.deepEqual(
      suggestedFor([item]).map(({ steps }) => steps),
      [
        [
          { copy: '/item/date/raw', to: 'review_timestamp' },
          { parse: 'review_timestamp', as: 'day' },
        ],
      ],
    )
  })

  test('completes from what the response said around the item', () => {
    const items = [review('R1', { product_id: undefined })]
    const [best] = suggestedFor(items, { carried: { asin: 'B9' } })
    assert.deepEqual(best?.steps, [{ default: 'product_id', from: '/context/carried/asin' }])
    assert.equal(best?.title, 'take product_id from /context/carried/asin: "B9"')
  })

  test('invents nothing: neither an id, nor the digits of a number that was too long to be read', () => {
    assert.deepEqual(suggestedFor([review('R1', { user_id: undefined })]), [])
    assert.deepEqual(suggestedFor([review('R1', { rating: 9 })]), [])
    const long = review('R1', { user_id: 'X' }).replace('"X"', '9007199254740993')
    assert.deepEqual(suggestedFor([long]), [])
  })

  test('takes no digits for a time before there were shops: 20231003 was said to be in 1970', () => {
    for (const review_timestamp of [20_231_003, '20231003', 2023, '2023', 202_310_031_200]) {
      assert.deepEqual(suggestedFor([review('R1', { review_timestamp })]), [], String(review_timestamp))
    }
    const mixed = [1_698_314_400, 1_698_314_400_000].map((at, n) => review(`R${n}`, { review_timestamp: at }))
    assert.deepEqual(
      suggestedFor(mixed).map(({ steps, mends }) => [steps, mends]),
      [[[{ parse: 'review_timestamp', as: 'seconds' }], 1]],
    )
  })

  test("takes nothing for the author's that is the shop's: a day of delivery, an average, a word", () => {
    const dateless = review('R1', {
      review_timestamp: undefined,
      scraped: { at: '2026-01-01 10:00:00 UTC' },
      response: { on: 'May 3, 2021' },
      product: { date: 'May 3, 2021', released: 'May 4, 2021' },
      delivery_date: 'May 5, 2021',
    })
    assert.deepEqual(suggestedFor([dateless]), [])
    const unrated = review('R1', {
      rating: undefined,
      product: { rating: 4.6, stars: '4.6 out of 5 stars' },
      average_rating: '4.6',
      found_helpful_by: '4 out of 5 people',
    })
    assert.deepEqual(suggestedFor([unrated]), [])
    const wordless = review('R1', {
      review_text: undefined,
      product: { description: 'A lamp' },
      seller_message: 'Thank you',
    })
    assert.deepEqual(suggestedFor([wordless]), [])
    const words = { verified_purchase: 'maybe', marketplace: 7, has_images: 'yes', kind: 'purchase' }
    const steps = suggestedFor([review('R1', words)]).map(({ steps: [first] }) => first)
    assert.deepEqual(steps, [{ remove: 'verified_purchase' }])
    const nowhere = suggestedFor([review('R1', { marketplace: 7, heading: 'Bright' })])
    assert.deepEqual(
      nowhere.map(({ steps: done }) => done),
      [[{ remove: 'marketplace' }]],
    )
  })

  test('leaves out only what a review can do without, and last of all', () => {
    const found = suggestedFor([
      review('R1', { helpful_votes: '1,341' }),
      review('R2', { helpful_votes: 'many' }),
    ])
    assert.deepEqual(
      found.map(({ steps, passes }) => [steps, passes]),
      [
        [[{ parse: 'helpful_votes', as: 'count' }], 1],
        [[{ remove: 'helpful_votes' }], 2],
      ],
    )
    assert.deepEqual(suggestedFor([review('R1', { rating: 'good' })]), [])
  })

  test('mends one of two faults without claiming that the letter passes', () => {
    const [best] = suggestedFor([review('R1', { rating: '4.0 out of 5 stars', helpful_votes: -1 })])
    assert.deepEqual([best?.mends, best?.passes], [1, 0])
  })

  test('reads each letter once, however much there is to try', () => {
    let read = 0
    const rules: Rules = {
      ...canonicalRules,
      read(received) {
        read++
        return canonicalRules.read(received)
      },
    }
    const dates = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`date${n}`, `${n + 1}. Mai 2023`]))
    const raw = Buffer.from(review('R1', { review_timestamp: undefined, ...dates }))
    const received = { origin: 'shop', receivedAt: 0, raw, context: { source: 'shop', kind: 'webhook' } }
    const letters = [1, 2, 3].map(() => ({ record: judge(received, canonicalRules), rules }))
    const found = suggest({ pointer: '/review_timestamp', keyword: 'required' }, letters)
    assert.deepEqual([found.length, read], [8, 3])
  })

  test('makes of the reviews of a provider what its preset does', { skip }, async () => {
    const rainforest = await loadPreset('rainforest')
    const pieces = [...createSplit(rainforest)(await readFile(capture))].slice(0, 5)
    const records = pieces.map(({ raw, carried = {} }) =>
      judge(
        { origin: 'shop', receivedAt: 0, raw, context: { source: 'shop', kind: 'file', carried } },
        canonicalRules,
      ),
    )
    const letters = records.map((record) => ({ record, rules: canonicalRules }))
    const rules = compileRules(rainforest)
    const [record] = records
    assert.ok(record?.verdict.status === 'rejected' && record.verdict.errors[0])
    const { errors } = record.verdict
    const steps = errors.flatMap((fault) => suggest(fault, letters)[0]?.steps ?? [])
    const repairs = [createRepair(record.verdict.errors[0], steps)]
    for (const one of records) {
      const [mended, known] = [interpret(one, canonicalRules, { repairs }), interpret(one, rules)]
      assert.ok(mended.status === 'accepted' && known.status === 'accepted')
      for (const field of REVIEW_FIELDS.filter(isRequired))
        assert.equal(mended.review[field], known.review[field], field)
    }
  })

  test('copes with items made to trouble it', () => {
    const wide = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, n) => [`/rating~${n}\n`, '4.0 out of 5 stars']),
    )
    const deep = JSON.parse(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`) as object
    assert.deepEqual(suggestedFor([review('R1', { rating: null, wide, deep, rating_text: deep })]), [])
  })
})
