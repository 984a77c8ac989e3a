import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LONGEST_WAIT_MS, parseHttpDate, retryAfterMs } from '../../../src/sources/http/retry-after.ts'

const NOW = Date.UTC(2026, 5, 15, 12, 0, 0)
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

/** The three forms that a recipient must take, by RFC 9110. */
const FORMS = {
  'IMF-fixdate': (at: Date) => at.toUTCString(),
  'RFC 850': (at: Date) => {
    const [day, month, year, time] = partsOf(at)
    return `${DAYS[at.getUTCDay()]}, ${day.padStart(2, '0')}-${month}-${year.slice(2)} ${time} GMT`
  },
  asctime: (at: Date) => {
    const [day, month, year, time] = partsOf(at)
    return `${DAYS[at.getUTCDay()]?.slice(0, 3)} ${month} ${day.padStart(2, ' ')} ${time} ${year}`
  },
}

function partsOf(at: Date): [day: string, month: string, year: string, time: string] {
  const time = at.toISOString().slice(11, 19)
  return [String(at.getUTCDate()), MONTHS[at.getUTCMonth()] ?? '', String(at.getUTCFullYear()), time]
}

test('the examples of RFC 9110 are one moment', () => {
  const at = Date.UTC(1994, 10, 6, 8, 49, 37)
  for (const text of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ])
    assert.equal(parseHttpDate(text, NOW), at, text)
})

for (const [form, write] of Object.entries(FORMS)) {
  test(`a date as ${form} writes it is read back, to the second`, () => {
    const min = form === 'RFC 850' ? Date.UTC(1977, 0, 1) : Date.UTC(1000, 0, 1)
    const max = form === 'RFC 850' ? Date.UTC(2076, 11, 31) : Date.UTC(9999, 11, 31)
    fc.assert(
      fc.property(fc.integer({ min: min / 1_000, max: max / 1_000 }), (seconds) => {
        const at = new Date(seconds * 1_000)
        assert.equal(parseHttpDate(write(at), NOW), at.getTime())
      }),
    )
  })

  test(`a wait until a date as ${form} writes it counts from the clock of the provider`, () => {
    const theirs = NOW - 3 * 3_600_000
    const until = write(new Date(theirs + 90_000))
    assert.equal(retryAfterMs(until, new Date(theirs).toUTCString(), NOW), 90_000)
    assert.equal(retryAfterMs(until, write(new Date(theirs)), NOW), 90_000)
  })
}

test('a wait until a date counts from our clock where the provider tells none that can be read', () => {
  const until = new Date(NOW + 90_000).toUTCString()
  assert.equal(retryAfterMs(until, undefined, NOW), 90_000)
  assert.equal(retryAfterMs(until, 'yesterday', NOW), 90_000)
})

test('seconds are seconds, whatever the clocks say', () => {
  const wrong = new Date(0).toUTCString()
  assert.equal(retryAfterMs('120', wrong, NOW), 120_000)
  assert.equal(retryAfterMs(' 120 ', undefined, NOW), 120_000)
  assert.equal(retryAfterMs('0', undefined, NOW), 0)
  assert.equal(retryAfterMs('1.0005', undefined, NOW), 1_001, 'never less than was asked')
})

test('a date that has passed is no wait, and one beyond a day is a day', () => {
  assert.equal(retryAfterMs(new Date(NOW - 1_000).toUTCString(), undefined, NOW), 0)
  assert.equal(retryAfterMs(new Date(NOW + 400 * 86_400_000).toUTCString(), undefined, NOW), LONGEST_WAIT_MS)
  assert.equal(retryAfterMs('9'.repeat(400), undefined, NOW), LONGEST_WAIT_MS)
})

test('what is neither seconds nor a date asks for nothing', () => {
  for (const text of [
    '',
    'soon',
    '-5',
    '1e3',
    '0x10',
    '2026-06-15T12:00:00Z',
    'Mon, 15 Jun 2026 12:00:00 CET',
    'Mon, 15 Jux 2026 12:00:00 GMT',
    'Mon, 15 Jun 2026 24:00:00 GMT',
    'Mon, 31 Feb 2026 12:00:00 GMT',
    'Mon, 00 Jun 2026 12:00:00 GMT',
  ])
    assert.equal(retryAfterMs(text, undefined, NOW), undefined, text)
  assert.equal(retryAfterMs(undefined, undefined, NOW), undefined)
})

test('two digits of a year are of this century, unless that is more than 50 years ahead', () => {
  const yearOf = (twoDigits: string): number =>
    new Date(parseHttpDate(`Monday, 01-Jun-${twoDigits} 00:00:00 GMT`, NOW) ?? 0).getUTCFullYear()
  assert.deepEqual(['26', '76', '77', '99', '00'].map(yearOf), [2026, 2076, 1977, 1999, 2000])
})
