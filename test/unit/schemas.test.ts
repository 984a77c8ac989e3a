import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { decodeEvent, encodeEvent } from '../../src/event.ts'
import { loadPreset } from '../../src/presets/index.ts'
import { compileRules } from '../../src/presets/rules.ts'
import { judge } from '../../src/review/interpret.ts'

const rules = compileRules(await loadPreset('canonical'))

async function validator(id: string) {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false })
  addFormats.default(ajv)
  for (const name of ['review', 'review-data', 'dead-letter-data', 'removal']) {
    ajv.addSchema(
      JSON.parse(await readFile(new URL(`../../schemas/${name}.schema.json`, import.meta.url), 'utf8')),
    )
  }
  const validate = ajv.getSchema(id)
  assert.ok(validate)
  return validate
}

function dataOf(review: object): unknown {
  const raw = Buffer.from(JSON.stringify(review))
  const record = judge(
    { origin: 'shop', receivedAt: 0, raw, context: { source: 'shop', kind: 'test', position: 1 } },
    rules,
  )
  return JSON.parse(encodeEvent(record, { run: 'r', seq: 0 }).toString()).data
}

const review = {
  review_id: 'R1',
  product_id: 'B1',
  user_id: 'U1',
  review_text: ' ok',
  rating: 3,
  review_timestamp: '2023-10-26T10:00:00Z',
}

test('the data of a published review is what its schema says', async () => {
  const validate = await validator('urn:headwater:review-data:1')
  assert.ok(validate(dataOf(review)), JSON.stringify(validate.errors))
  assert.ok(!validate(dataOf({ ...review, rating: 6 })), 'a dead letter is none')
})

test('the data of a dead letter is what its schema says', async () => {
  const validate = await validator('urn:headwater:dead-letter-data:1')
  assert.ok(validate(dataOf({ ...review, rating: 6 })), JSON.stringify(validate.errors))
})

test('the data of a removal is what its schema says, and comes back out of its event', async () => {
  const validate = await validator('urn:headwater:removal-data:1')
  for (const event of ['removed', 'returned'] as const) {
    const raw = Buffer.from('{"review_id":"R1","product_id":"B1","last_seen":"2023-10-26T10:00:00Z"}')
    const context = { source: 'shop', kind: 'http-poll', event }
    const record = judge({ origin: 'shop', receivedAt: 0, raw, context }, rules)
    const body = encodeEvent(record, { run: 'r1', seq: 0 })
    const published = JSON.parse(body.toString()) as { type: string; data: object }
    assert.equal(published.type, `review.${event}.v1`)
    assert.ok(validate(published.data), JSON.stringify(validate.errors))
    assert.deepEqual(decodeEvent(body).verdict, record.verdict)
    assert.equal(record.verdict.status, event)
  }
})
