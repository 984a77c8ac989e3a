import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Sighting } from '../../../src/review/provider.ts'
import { type Look, suspicionOf } from '../../../src/sources/http-poll/suspicion.ts'

const sighting = (n: number, code?: string): Sighting => ({
  version: `${n}`,
  review: `"R${n}"`,
  product: 'B1',
  code,
})
const many = (count: number, code?: string): Sighting[] =>
  Array.from({ length: count }, (_, n) => sighting(n, code))

/** A page in the middle of a crawl, with ten reviews that are all new. */
const plain: Look = {
  coverage: 'full',
  isFirst: false,
  sightings: many(10),
  added: 10,
  isFirstAgain: false,
  isBlocked: false,
  total: 40,
  count: 10,
  before: 40,
  wasValid: true,
}
const first: Look = { ...plain, isFirst: true, count: 0 }

describe('a page is suspicious', () => {
  const suspicious: readonly [string, Look, RegExp][] = [
    ['where the provider says that it was shut out', { ...plain, isBlocked: true }, /shut out/],
    [
      'where every review lacks what those before had',
      { ...plain, sightings: many(10, 'missing_rating') },
      /missing_rating/,
    ],
    ['where it is the first page again', { ...plain, isFirstAgain: true, added: 0 }, /the first one/],
    ['where it is an earlier page again, with a new review', { ...plain, added: 1 }, /all but 1/],
    ['where nothing is left of many', { ...first, sightings: [], added: 0, total: undefined }, /were 40/],
    ['where it ends long before the total', { ...plain, sightings: [], added: 0 }, /after 10 of 40/],
  ]
  for (const [what, look, words] of suspicious) test(what, () => assert.match(suspicionOf(look) ?? '', words))
})

describe('a page is not suspicious', () => {
  const plausible: readonly [string, Look][] = [
    ['in the middle of a crawl', plain],
    ['where the list has moved on by some reviews', { ...plain, added: 4 }],
    ['at the end, near the total', { ...plain, sightings: [], added: 0, count: 37 }],
    ['where no total is told', { ...plain, sightings: [], added: 0, total: undefined }],
    ['where a product has lost its reviews and the provider says so', { ...first, sightings: [], total: 0 }],
    ['where a product never had any', { ...first, sightings: [], added: 0, before: 0, total: undefined }],
    ['where two of two have the same fault', { ...plain, sightings: many(2, 'missing_rating') }],
    ['where some of it is good', { ...plain, sightings: [...many(9, 'missing_user_id'), sighting(10)] }],
    [
      'where no review was ever good: the preset may not fit',
      { ...first, sightings: many(10, 'missing_user_id'), wasValid: false },
    ],
    [
      'where polls show only the top reviews, and page after page the same ones',
      { ...plain, coverage: 'top', isFirstAgain: true, added: 0 },
    ],
    [
      'where polls show only the top reviews, and far fewer than there are',
      { ...plain, coverage: 'top', sightings: [], added: 0, total: 1_000 },
    ],
  ]
  for (const [what, look] of plausible) test(what, () => assert.equal(suspicionOf(look), undefined))
})
