import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PARSERS } from '../../../src/presets/parsers.ts'

const NO_TOKEN = (): string => ''

type Cases = readonly (readonly [given: unknown, read: unknown])[]

const CASES: Readonly<Partial<Record<keyof typeof PARSERS, Cases>>> = {
  number: [
    ['5', 5],
    [' 4.5 ', 4.5],
    [3, 3],
  ],
  count: [
    ['7', 7],
    ['1,341', 1341],
    ['12,345,678', 12_345_678],
    [0, 0],
  ],
  stars: [
    ['5.0 out of 5 stars', 5],
    ['4,0 von 5 Sternen', 4],
    ['3,0 sur 5 étoiles', 3],
    [2, 2],
  ],
  boolean: [
    ['Y', true],
    ['N', false],
    ['True', true],
    [false, false],
  ],
  verified_badge: [
    ['Verified Purchase', true],
    ['Some other badge', undefined],
    ['', undefined],
  ],
  seconds: [
    [1_457_308_800, '2016-03-07T00:00:00.000Z'],
    ['1300060800', '2011-03-14T00:00:00.000Z'],
  ],
  milliseconds: [[1_600_000_000_123, '2020-09-13T12:26:40.123Z']],
  day: [
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['October 3, 2023', '2023-10-03T00:00:00.000Z'],
    ['3 October 2023', '2023-10-03T00:00:00.000Z'],
    ['03 7, 2016', '2016-03-07T00:00:00.000Z'],
    ['Reviewed in the United Kingdom on 12 May 2023', '2023-05-12T00:00:00.000Z'],
    ['Reviewed in the United States on March 9, 2017', '2017-03-09T00:00:00.000Z'],
    ['Rezension aus Deutschland vom 3. März 2024', '2024-03-03T00:00:00.000Z'],
    ['Commenté en France le 1 ao\u0075\u0302t 2023', '2023-08-01T00:00:00.000Z'],
    ['Revisado en España el 5 de enero de 2021', '2021-01-05T00:00:00.000Z'],
    ['Recensito in Italia il 30 giugno 2022', '2022-06-30T00:00:00.000Z'],
    ['Beoordeeld in Nederland op 8 mei 2021', '2021-05-08T00:00:00.000Z'],
    ['Avaliado no Brasil em 9 de outubro de 2020', '2020-10-09T00:00:00.000Z'],
    ['Granskad i Sverige den 12 augusti 2023', '2023-08-12T00:00:00.000Z'],
    ['Zrecenzowano w Polsce 2 lipca 2023', '2023-07-02T00:00:00.000Z'],
    ['2023年5月12日に日本でレビュー済み', '2023-05-12T00:00:00.000Z'],
    ['Reviewed in India on 7\u00a0June 2025', '2025-06-07T00:00:00.000Z'],
  ],
  seconds_or_day: [
    [1_457_308_800, '2016-03-07T00:00:00.000Z'],
    ['03 7, 2016', '2016-03-07T00:00:00.000Z'],
  ],
  account: [
    ['/gp/profile/amzn1.account.AEXAMPLE1/ref=cm_cr_arp_d_gw_btm', 'AEXAMPLE1'],
    ['https://shop.example/gp/profile/amzn1.account.AEXAMPLE1', 'AEXAMPLE1'],
    ['/gp/profile/somebody', undefined],
  ],
  variant: [
    [{ 'Size:': ' Large', 'Color:': ' Blue' }, 'Size: Large, Color: Blue'],
    [['Style: Plain', 'Size: L'], 'Style: Plain, Size: L'],
    ['Blue', 'Blue'],
    [{}, undefined],
    [[], undefined],
  ],
  links: [
    [['https://images.example/1.jpg'], ['https://images.example/1.jpg']],
    [[{ image: 'i', video: 'v' }], ['v']],
    [[{ small_image_url: 's', large_image_url: 'l' }], ['l']],
    [[{ Sizes: { thumbnail: { Url: 't' }, normal: { Url: 'n' } } }], ['n']],
  ],
}

/** What nobody could read: it must come back untouched. */
const UNREADABLE: Readonly<Partial<Record<keyof typeof PARSERS, readonly unknown[]>>> = {
  number: ['five', '', '1e3', null, true],
  count: ['1,34', ',341', 'many', '5 people'],
  stars: ['5.0 out of 10 stars', '5 stars', 'out of 5 stars', '50 out of 5 stars'],
  boolean: ['maybe', 1],
  seconds: ['soon', 1e15, null],
  day: [
    'February 30, 2024',
    '31 April 2024',
    'Floréal 7, 2024',
    '13 4, 2015',
    '2023-02-29',
    '0 May 2024',
    '04/05/2024',
    '31-Jul-18',
    'Date inconnue',
    '',
    20_231_003,
  ],
  seconds_or_day: ['soon', '00 4, 2015'],
  variant: [[{ name: 'Size' }], { size: { width: 3 } }],
  links: ['not a list'],
}

describe('a parser', () => {
  for (const [name, cases] of Object.entries(CASES)) {
    test(`${name} reads what it is for`, () => {
      for (const [given, read] of cases)
        assert.deepEqual(PARSERS[name as keyof typeof PARSERS](given, NO_TOKEN), read, JSON.stringify(given))
    })
  }

  for (const [name, values] of Object.entries(UNREADABLE)) {
    test(`${name} hands back what it can't read`, () => {
      for (const value of values)
        assert.equal(PARSERS[name as keyof typeof PARSERS](value, NO_TOKEN), value, JSON.stringify(value))
    })
  }

  test('rating_in_range refuses a rating that is not out of five', () => {
    const read = (Rating: unknown, item: object) =>
      PARSERS.rating_in_range(Rating, NO_TOKEN, { Rating, ...item })
    assert.equal(read(4, { RatingRange: 5 }), 4)
    assert.equal(read(4, {}), 4)
    assert.equal(read(4, { RatingRange: 10 }), '4 of 10')
  })

  test('links keeps an entry whose address it does not know', () => {
    assert.deepEqual(PARSERS.links([{ somewhere: 'x' }], NO_TOKEN), [{ somewhere: 'x' }])
  })
})
