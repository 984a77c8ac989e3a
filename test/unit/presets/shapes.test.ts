import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadPreset } from '../../../src/presets/index.ts'
import { captured } from '../../support/captures.ts'
import { judgeAll, reasonOf } from './judged.ts'

const { path: folder, skip } = captured('provider-shapes')

/** A sample of a provider's documentation, and the sentences that tell what became of its items. */
interface Shape {
  readonly file: string
  readonly preset: string
  readonly verdicts: readonly string[]
}

const NO_USER = 'missing_user_id: user_id is missing: it must be present and not null'
const NO_REVIEW = 'missing_review_id: review_id is missing: it must be present and not null'

const SHAPES: readonly Shape[] = [
  { file: 'apify_axesso_item.json', preset: 'apify-axesso', verdicts: ['accepted'] },
  { file: 'omkarcloud_top_reviews.json', preset: 'omkar', verdicts: ['accepted'] },
  { file: 'oxylabs_amazon_reviews.json', preset: 'oxylabs', verdicts: [NO_USER, NO_USER] },
  { file: 'rapidapi_realtime_amazon_data.json', preset: 'rapidapi-amazon', verdicts: [NO_USER] },
  // What only says that there is something to fetch, and what has no preset.
  { file: 'apify_webhook_default_payload.json', preset: 'apify-junglee', verdicts: [NO_REVIEW] },
  {
    file: 'rainforest_collection_webhook.json',
    preset: 'rainforest',
    verdicts: [
      'unreadable: no reviews where rainforest has them: /reviews/*, /product/top_reviews/*, /top_reviews/*',
    ],
  },
  { file: 'yelp_review_webhook.json', preset: 'canonical', verdicts: [NO_REVIEW] },
]

/** A sample without the note that says where it is from. */
async function sample(file: string): Promise<unknown> {
  const {
    _source: _,
    items,
    ...rest
  } = JSON.parse(await readFile(join(folder, file), 'utf8')) as Record<string, unknown>
  return Array.isArray(items) ? items[0] : rest
}

describe('shapes that providers document', { skip }, () => {
  for (const { file, preset, verdicts } of SHAPES) {
    test(`${preset} makes of ${file} what is known, and says why`, async () => {
      const records = judgeAll(await loadPreset(preset), await sample(file))
      const told = records.map((record) => {
        if (record.verdict.status === 'accepted') return 'accepted'
        const { code, message } = reasonOf(record)
        return `${code}: ${message}`
      })
      assert.deepEqual(told, verdicts)
    })
  }

  test('that lack nothing but a user id are accepted where the source asks for one', async () => {
    for (const { file, preset, verdicts } of SHAPES) {
      if (!verdicts.includes(NO_USER)) continue
      const records = judgeAll(await loadPreset(preset), await sample(file), { missingUserId: 'derive' })
      for (const { verdict } of records) assert.equal(verdict.status, 'accepted', file)
    }
  })

  test('are all of them', async () => {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.json'))
    assert.deepEqual(files.toSorted(), SHAPES.map(({ file }) => file).toSorted())
  })
})
