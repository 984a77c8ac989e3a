import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
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
    ['4,0 de 5 estrellas', 4],
    ['4,0 su 5 stelle', 4],
    ['4,0 van 5 sterren', 4],
    ['4,0 de 5 estrelas', 4],
    ['4,0 av 5 stjärnor', 4],
    ['4,0 z 5 gwiazdek', 4],
    ['5つ星のうち4.0', 4],
    ['5 yıldız üzerinden 4,0', 4],
    ['4.8 out of\u00a05', 4.8],
    ['4,5\u00a0von\u202f5 Sternen', 4.5],
    ['4', 4],
    ['4,5', 4.5],
    [2, 2],
  ],
  boolean: [
    ['Y', true],
    ['N', false],
    ['True', true],
    [false, false],
  ],
  rating_value: [
    [{ rating_type: 'Max5', value: 4, rating_max: 5 }, 4],
    [{ value: 3.5 }, 3.5],
    [{ value: 8, rating_max: 10 }, '8 of 10'],
    [4, 4],
  ],
  helpful_statement: [
    ['One person found this helpful', 1],
    ['5 people found this helpful', 5],
    ['1,234 people found this helpful', 1234],
    ['Eine Person fand diese Informationen hilfreich', 1],
    ['1.234 Personen fanden diese Informationen hilfreich', 1234],
    ['Une personne a trouvé cela utile', 1],
    ['1\u202f234 personnes ont trouvé cela utile', 1234],
    ['12 personnes ont trouvé cela utile', 12],
    ['A una persona le resultó útil', 1],
    ['A 5 personas les resultó útil', 5],
    ['Una persona l’ha trovato utile', 1],
    ["5 persone l'hanno trovato utile", 5],
    ['Eén persoon vond dit nuttig', 1],
    ['5 mensen vonden dit nuttig', 5],
    ['Uma pessoa achou isso útil', 1],
    ['5人のお客様がこれが役に立ったと考えています', 5],
    ['17', 17],
    [3, 3],
    ['Some people found this helpful', undefined],
    ['1,23 people found this helpful', undefined],
    ['9,007,199,254,740,993 people found this helpful', undefined],
    ['Was this helpful?', undefined],
  ],
  title_after_stars: [
    ['4,0 van 5 sterren Fijne lamp', 'Fijne lamp'],
    ['5.0 out of 5 stars Bright', 'Bright'],
    ['5つ星のうち5.0 明るい', '明るい'],
    ['2 of 5 lamps broke', '2 of 5 lamps broke'],
    ['5.0 out of 5 stars', '5.0 out of 5 stars'],
    ['5.0 out of 5 starlings', '5.0 out of 5 starlings'],
  ],
  verified_buyer: [
    ['verified_buyer', true],
    ['buyer', true],
    ['Verified-Purchase', true],
    ['nothing', undefined],
    ['verified_reviewer', undefined],
  ],
  store_id: [
    ['https://shop.example/us/reviews/id1234567', '1234567'],
    ['https://shop.example/us/review?id=7654321&type=Purple', '7654321'],
    ['https://shop.example/us/reviews/somebody', undefined],
    ['https://shop.example/us/review?uid=5', undefined],
  ],
  amazon_domain: [
    ['co.uk', 'amazon.co.uk'],
    ['www.amazon.co.uk', 'amazon.co.uk'],
    ['amazon.com', 'amazon.com'],
  ],
  country: [
    ['United States', 'us'],
    ['the Netherlands', 'nl'],
    ['US', 'us'],
    ['uk', 'gb'],
    ['Reviewed in Japan on 3 May 2021', 'jp'],
    ['Reviewed in the United Kingdom on 12 May 2023', 'gb'],
    ['Reviewed in the United States 🇺🇸 on March 9, 2017', 'us'],
    ['Beoordeeld in Nederland 🇳🇱 op 20 juni 2023', 'nl'],
    ['Rezension aus Deutschland vom 3. März 2024', 'de'],
    ['Rezension aus dem Vereinigten Königreich vom 3. März 2024', 'gb'],
    ['Commenté aux États-Unis le 1 août 2023', 'us'],
    ['Revisado en España el 5 de enero de 2021', 'es'],
    ['Recensito in Italia il 30 giugno 2022', 'it'],
    ['Avaliado no Brasil em 9 de outubro de 2020', 'br'],
    ['Granskad i Sverige den 12 augusti 2023', 'se'],
    ['Zrecenzowano w Polsce 2 lipca 2023', 'pl'],
    ["Türkiye'de 12 Ekim 2023 tarihinde değerlendirildi", 'tr'],
    ['2023年5月12日に日本でレビュー済み', 'jp'],
    ['Reviewed in Atlantis on 3 May 2021', undefined],
    ['Reviewed in Japan and India on 3 May 2021', undefined],
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
  time: [
    ['2019-11-15 12:57:46 +00:00', '2019-11-15T12:57:46+00:00'],
    ['2019-11-15 12:57:46 UTC', '2019-11-15T12:57:46Z'],
    ['2019-11-15T12:57:46.120-07:00', '2019-11-15T12:57:46.120-07:00'],
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
    ['Beoordeeld in Nederland 🇳🇱 op 20 juni 2023', '2023-06-20T00:00:00.000Z'],
    ['Commenté en France le 1er mai 2023', '2023-05-01T00:00:00.000Z'],
    ["Türkiye'de 12 Ekim 2023 tarihinde değerlendirildi", '2023-10-12T00:00:00.000Z'],
    ['Sept. 30, 2018', '2018-09-30T00:00:00.000Z'],
    ['30 Sep 2018', '2018-09-30T00:00:00.000Z'],
    ['2018/9/30', '2018-09-30T00:00:00.000Z'],
    ['23/06/2024', '2024-06-23T00:00:00.000Z'],
    ['06/23/2024', '2024-06-23T00:00:00.000Z'],
    ['23.6.2024', '2024-06-23T00:00:00.000Z'],
    ['05/05/2024', '2024-05-05T00:00:00.000Z'],
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
  number: ['five', '', '1e3', null, true, '4/5', '1.234,56', '４.０', '٤', '+4', '0x4', '9007199254740993'],
  count: ['1,34', ',341', 'many', '5 people', '1.341', '-4', '9,007,199,254,740,993'],
  stars: [
    '5.0 out of 10 stars',
    '5 stars',
    'out of 5 stars',
    '50 out of 5 stars',
    '4 out of 5 people',
    '4 de 5 personas',
    '4/5',
    '10/10',
    '-4',
    '-4.0 out of 5 stars',
    '４.０ out of 5 stars',
    '٤ out of 5 stars',
    '1.234,56',
    '4.05 out of 5',
    '4,0 von 10 Sternen',
  ],
  boolean: ['maybe', 1],
  rating_value: ['4', null, { rating: 4 }],
  helpful_statement: [7, null, true],
  country: ['Atlantis', 7, null],
  time: ['2019-11-15 12:57:46', '2019-11-15', 'soon', 7],
  seconds: ['soon', 1e15, null],
  day: [
    'February 30, 2024',
    '31 April 2024',
    'Floréal 7, 2024',
    '13 4, 2015',
    '2023-02-29',
    '0 May 2024',
    '04/05/2024',
    '31/02/2024',
    '23/06-2024',
    '23/06/24',
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

  test('day reads what any day looks like in any order, and two numbers that may both be months never', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }),
        (date) => {
          const [y, m, d] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
          const midnight = `${date.toISOString().slice(0, 10)}T00:00:00.000Z`
          const english = date.toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' })
          const british = date.toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' })
          const german = date.toLocaleDateString('de', { dateStyle: 'long', timeZone: 'UTC' })
          for (const text of [english, british, german, `Reviewed in Japan on ${british}`, `${y}-${m}-${d}`])
            assert.equal(PARSERS.day(text, NO_TOKEN), midnight, text)
          const isCertain = d > 12 || d === m
          for (const text of [`${d}/${m}/${y}`, `${m}.${d}.${y}`])
            assert.equal(PARSERS.day(text, NO_TOKEN), isCertain ? midnight : text, text)
        },
      ),
    )
  })

  test('helpful_statement reads any count in each language it knows', () => {
    const sentences = ['N people found this helpful', 'N Personen fanden diese Informationen hilfreich']
    fc.assert(
      fc.property(fc.nat(), (n) => {
        for (const sentence of sentences)
          for (const written of [String(n), n.toLocaleString('en'), n.toLocaleString('de')])
            assert.equal(PARSERS.helpful_statement(sentence.replace('N', written), NO_TOKEN), n, written)
      }),
    )
  })

  test('whatever it is given throws nothing and makes no date out of the blue', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.string({ unit: 'grapheme' })), (value) => {
        for (const parse of Object.values(PARSERS)) parse(value, () => JSON.stringify(value), { value })
        const read = PARSERS.day(value, NO_TOKEN)
        if (read !== value) assert.match(String(read), /^\d{4}-\d\d-\d\dT00:00:00\.000Z$/)
      }),
    )
  })

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
