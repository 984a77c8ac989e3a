import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { waitMs } from '../../../src/sources/http/rate-limit.ts'
import { LONGEST_WAIT_MS } from '../../../src/sources/http/retry-after.ts'

const NOW = Date.UTC(2026, 5, 15, 12, 0, 0)
const HOUR = 3_600_000
type Headers = Parameters<typeof waitMs>[0]

const after = (headers: Headers): number | undefined => waitMs(headers, false, NOW)
const afterTooMany = (headers: Headers): number | undefined => waitMs(headers, true, NOW)

describe('RateLimit', () => {
  test('asks for nothing while something remains, and for the rest of the window once nothing does', () => {
    assert.equal(after({ ratelimit: '"default";r=50;t=30' }), undefined)
    assert.equal(after({ ratelimit: '"default";r=0;t=30' }), 30_000)
    assert.equal(after({ ratelimit: 'default;t=30;r=0' }), 30_000, 'also where the name is a token')
  })

  test('of several limits waits for all that are spent, and for no other', () => {
    assert.equal(after({ ratelimit: '"burst";r=0;t=5, "daily";r=10;t=40000' }), 5_000)
    assert.equal(after({ ratelimit: '"burst";r=0;t=5, "daily";r=0;t=40000' }), 40_000_000)
    assert.equal(after({ ratelimit: ['"burst";r=0;t=5', '"daily";r=0;t=60'] }), 60_000)
  })

  test('waits for the whole window of its policy where it tells no reset', () => {
    const policy = '"burst";q=100;w=60, "daily";q=1000;w=86400'
    assert.equal(after({ ratelimit: '"burst";r=0', 'ratelimit-policy': policy }), 60_000)
    assert.equal(after({ ratelimit: '"other";r=0', 'ratelimit-policy': policy }), undefined)
    assert.equal(after({ ratelimit: '"burst";r=0', 'ratelimit-policy': '"burst";q' }), undefined)
  })

  test('is read in the form of its seventh draft', () => {
    assert.equal(after({ ratelimit: 'limit=100, remaining=0, reset=50' }), 50_000)
    assert.equal(after({ ratelimit: 'limit=100, remaining=1, reset=50' }), undefined)
  })

  test('that is no structured field asks for nothing', () => {
    for (const text of ['', 'soon', '"default;r=0', '"default";r="0";t=30', '"default";r=0;t=-30', '('])
      assert.equal(after({ ratelimit: text }), undefined, text)
  })
})

for (const prefix of ['ratelimit', 'x-ratelimit', 'x-rate-limit']) {
  const fields = (remaining: string, reset: string): Headers => ({
    [`${prefix}-limit`]: '100',
    [`${prefix}-remaining`]: remaining,
    [`${prefix}-reset`]: reset,
  })

  describe(`${prefix}-*`, () => {
    test('asks for nothing while something remains', () => {
      assert.equal(after(fields('1', '30')), undefined)
    })

    test('tells its reset as seconds from now', () => {
      assert.equal(after(fields('0', '30')), 30_000)
      assert.equal(after(fields('0', '0.5')), 500)
    })

    test('tells its reset as a moment in seconds or milliseconds', () => {
      const reset = NOW + HOUR
      assert.equal(after(fields('0', `${reset / 1_000}`)), HOUR)
      assert.equal(after(fields('0', `${reset}`)), HOUR)
    })

    test('whose reset has passed asks for no wait', () => {
      assert.equal(after(fields('0', `${NOW / 1_000 - 5}`)), 0)
      assert.equal(after(fields('0', `${NOW - 5_000}`)), 0)
    })

    test('counts a moment from the clock of the provider', () => {
      const theirs = NOW - 3 * HOUR
      const date = new Date(theirs).toUTCString()
      assert.equal(after({ ...fields('0', `${(theirs + 90_000) / 1_000}`), date }), 90_000)
    })

    test('of an answer about limits need not tell what remains', () => {
      assert.equal(after({ [`${prefix}-reset`]: '30' }), undefined)
      assert.equal(afterTooMany({ [`${prefix}-reset`]: '30' }), 30_000)
      assert.equal(afterTooMany(fields('5', '30')), undefined, 'that was refused for another reason')
    })

    test('that is sent several times waits for the strictest', () => {
      assert.equal(after(fields('5, 0', '10, 60')), 60_000)
    })
  })
}

describe('Retry-After', () => {
  const reset = { ratelimit: '"default";r=0;t=5000', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9' }

  test('goes before all limits, whichever of them is longer', () => {
    assert.equal(afterTooMany({ ...reset, 'retry-after': '10' }), 10_000)
    assert.equal(afterTooMany({ ...reset, 'retry-after': new Date(NOW + HOUR).toUTCString() }), HOUR)
  })

  test('that can not be read leaves the word to them', () => {
    assert.equal(afterTooMany({ ...reset, 'retry-after': 'later' }), 5_000_000)
  })
})

test('a long wait stays long, up to a day', () => {
  assert.equal(after({ ratelimit: '"hourly";r=0;t=3600' }), HOUR)
  assert.equal(after({ ratelimit: '"monthly";r=0;t=2592000' }), LONGEST_WAIT_MS)
  assert.equal(after({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9'.repeat(300) }), LONGEST_WAIT_MS)
})

test('whatever a provider sends, nothing is thrown, and no wait is negative or longer than a day', () => {
  const number = fc.oneof(fc.nat().map(String), fc.double().map(String), fc.bigInt().map(String))
  const structured = fc
    .array(fc.tuple(fc.string(), number, number))
    .map((limits) => limits.map(([name, r, t]) => `"${name}";r=${r};t=${t}`).join(', '))
  const value = fc.oneof(fc.string({ unit: 'binary' }), number, structured, fc.date().map(String))
  const names = [
    'date',
    'retry-after',
    'ratelimit',
    'ratelimit-policy',
    ...['ratelimit', 'x-ratelimit', 'x-rate-limit'].flatMap((prefix) => [
      `${prefix}-remaining`,
      `${prefix}-reset`,
    ]),
  ]
  const field = fc.tuple(fc.constantFrom(...names), value)
  fc.assert(
    fc.property(fc.array(field, { maxLength: 12 }), fc.boolean(), fc.nat(), (fields, isQuota, after2020) => {
      const now = Date.UTC(2020, 0, 1) + after2020 * 1_000
      const ms = waitMs(Object.fromEntries(fields), isQuota, now)
      assert.ok(ms === undefined || (Number.isInteger(ms) && ms >= 0 && ms <= LONGEST_WAIT_MS), String(ms))
    }),
    { numRuns: 2_000 },
  )
})

test('a reset is never taken for less than it says, in whichever of its forms', () => {
  const seconds = fc.integer({ min: 0, max: 86_400 })
  fc.assert(
    fc.property(seconds, fc.constantFrom('delta', 'seconds', 'milliseconds'), (inSeconds, form) => {
      const at = { delta: inSeconds, seconds: NOW / 1_000 + inSeconds, milliseconds: NOW + inSeconds * 1_000 }
      const fields = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(at[form]) }
      assert.equal(after(fields), inSeconds * 1_000)
    }),
  )
})
