import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrivalOf } from '../../../../src/arrival.ts'
import type { ReviewRecord } from '../../../../src/review/record.ts'
import { encodePlain, encodeRow } from '../../../../src/stores/dynamodb/row.ts'
import { MOST_ITEM_BYTES } from '../../../../src/stores/dynamodb/spill.ts'
import { itemSize } from '../../../../src/stores/dynamodb/values.ts'
import { accepted, acceptedVerdict, noted, rejected } from '../../../support/records.ts'

const STORED_AT = Date.UTC(2026, 0, 2)
const LAYOUT = { shards: 8, expireAfterMs: 86_400_000 }

const plainOf = (record: ReviewRecord) => encodePlain(arrivalOf(record), LAYOUT, STORED_AT)

test('a small row is laid out at once as one of any size is', async () => {
  for (const record of [accepted(1), rejected(2, 'c'), noted(3, 'removed'), noted(4, 'returned')]) {
    const plain = plainOf(record)
    const other = await encodeRow(arrivalOf(record), LAYOUT, STORED_AT)
    assert.ok(plain && plain.write !== other.write)
    const write = { S: 'w' }
    assert.deepEqual(
      { ...plain, write, item: { ...plain.item, write } },
      { ...other, write, item: { ...other.item, write } },
    )
  }
})

test('what is laid out at once fits its item, however much longer its values are there than in JSON', () => {
  const verdict = acceptedVerdict('R1', 'B1')
  const fits = (digits: number): boolean => {
    const more = {
      digits: Array.from({ length: digits }, () => 1),
      empty: Array.from({ length: digits }, () => []),
    }
    const row = plainOf({ ...accepted(1), verdict: { ...verdict, review: { ...verdict.review, more } } })
    if (row)
      assert.ok(itemSize(row.item) <= MOST_ITEM_BYTES, `${digits} digits take ${itemSize(row.item)} bytes`)
    return row !== undefined
  }
  const sizes = Array.from({ length: 20 }, (_, n) => n * 500)
  const fitting = sizes.filter(fits)
  assert.ok(fitting.length > 5 && fitting.length < sizes.length, `${fitting.length} of ${sizes.length}`)
})

test('of a removal whose product is not known nothing is said of a product', () => {
  const record = noted(1, 'removed')
  assert.ok(record.verdict.status === 'removed')
  const { product: _, ...verdict } = record.verdict
  const { item } = plainOf({ ...record, verdict }) ?? {}
  assert.deepEqual(item?.['review'], { M: { review_id: { S: verdict.review_id } } })
})
