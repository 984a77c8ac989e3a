import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeEvent, encodeEvent } from '../../../src/event.ts'
import { isPlainUtc } from '../../../src/lib/utc.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { judge } from '../../../src/review/interpret.ts'
import { sanitise } from '../../../src/review/sanitise.ts'
import { REVIEW } from '../../../src/review/validate.ts'
import type { Verdict } from '../../../src/review/verdict.ts'

const GOOD = {
  review_id: 'R1',
  product_id: 'B1',
  user_id: 'U1',
  review_text: 'fine',
  rating: 4.5,
  review_timestamp: '2023-10-26T10:00:00Z',
}

/** Dates and times, most of them nearly right. */
const times = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.stringMatching(/^20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{0,9})?(Z|[+-]0\d:00)?$/),
  fc.constantFrom(
    '2023-02-29T00:00:00Z',
    '2024-02-29T00:00:00Z',
    '2016-12-31T23:59:60Z',
    '2023-10-26T10:00:00z',
  ),
)
const texts = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(' outer ', '\u00a0nbsp', 'a\u0007b', 'e\u0301', '\ud83d', '😀', '\u007f'),
)

/** What was cleaned is told in the order of the item's members, or of the preset's fields. */
const inOrder = ({ sanitised = [], ...verdict }: Verdict) => ({
  ...verdict,
  sanitised: sanitised.map(({ field, why }) => `${field}: ${why}`).toSorted(),
})

const reviewIn = (event: Buffer): unknown =>
  (JSON.parse(event.toString()) as { data: { review?: unknown } }).data.review

describe('the quick way', () => {
  test('to validate takes what the schema takes, and nothing else', () => {
    const fields = fc.record(
      { review_timestamp: times, review_text: texts, rating: fc.oneof(fc.double(), fc.constant('5')) },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fields, (more) => {
        const candidate = { ...GOOD, ...more }
        assert.equal(REVIEW.isValid(candidate), REVIEW.allFaults(candidate).length === 0)
      }),
      { numRuns: 3_000 },
    )
    const astral = { ...GOOD, title: '😀'.repeat(10_000) }
    assert.equal(REVIEW.isValid(astral), true, '10,000 characters of two units each')
    assert.equal(REVIEW.isValid({ ...GOOD, title: '😀'.repeat(10_001) }), false)
  })

  test('to tell a time says yes only where the slow way does', () => {
    fc.assert(
      fc.property(times, (time) => {
        const isTime = REVIEW.allFaults({ ...GOOD, review_timestamp: time }).length === 0
        if (isPlainUtc(time)) assert.ok(isTime, time)
      }),
      { numRuns: 3_000 },
    )
    assert.equal(isPlainUtc('2023-10-26T10:00:00.123Z'), true)
  })

  test('to clean a tame text comes to the same as the slow way', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{0,40}$/), (title) => {
        assert.deepEqual(sanitise({ title }, true), sanitise({ title }))
      }),
    )
  })

  test('to leave a text unnormalised is taken only where nothing in it changes or joins', () => {
    const marks: string[] = []
    for (let code = 0xa0; code <= 0x10_ff_ff; code++) {
      if (code >= 0xd8_00 && code <= 0xdf_ff) continue
      const char = String.fromCodePoint(code)
      const { clean } = sanitise({ title: `a${char}a` })
      assert.equal(clean['title'], `a${char}a`.normalize('NFC'), code.toString(16))
      const [, ...joining] = char.normalize('NFD')
      marks.push(...joining)
    }
    for (const mark of new Set(marks)) {
      for (const before of ['e', 'が', 'か', '가', '\u1100', '\u0928', '\u{11099}']) {
        const { clean } = sanitise({ title: `a${before}${mark}a` })
        assert.equal(clean['title'], `a${before}${mark}a`.normalize('NFC'))
      }
    }
  })

  test('for a review that stands in raw as it is comes to the same record and event as the slow way', async () => {
    const preset = await loadPreset('canonical')
    const quick = compileRules(preset)
    // With two places for a field that makes no version, no item is taken as it is.
    const slow = compileRules({
      ...preset,
      fields: { ...preset.fields, vine: { from: ['/vine', '/none'] } },
    })
    const member = fc.oneof(
      fc.record({ title: texts }),
      fc.record({ verified_purchase: fc.boolean() }),
      fc.record({ images: fc.array(texts, { maxLength: 3 }) }),
      fc.constantFrom(
        { title: null },
        { unknown: 1 },
        { rating: 5 },
        JSON.parse('{"__proto__":1}') as object,
      ),
    )
    const members = fc.array(member, { maxLength: 4 })
    let verbatim = 0
    fc.assert(
      fc.property(members, fc.nat(2), (more, indent) => {
        // Put together as text, so that a key may stand twice.
        const inner = [GOOD, ...more]
          .map((some) => JSON.stringify(some, undefined, indent).slice(1, -1))
          .filter(Boolean)
        const raw = Buffer.from(`{${inner.join(',')}}`)
        const received = { origin: 'shop', receivedAt: 0, raw, context: { source: 'shop', kind: 'test' } }
        const record = judge(received, quick)
        const expected = judge(received, slow)
        if (record.verbatim) verbatim++
        assert.equal(expected.verbatim, undefined)
        assert.equal(record.key, expected.key)
        assert.deepEqual(inOrder(record.verdict), inOrder(expected.verdict))

        const ledger = { run: 'r1', seq: 0 }
        const [event, wanted] = [record, expected].map((one) => encodeEvent(one, ledger))
        assert.ok(event && wanted)
        assert.deepEqual(reviewIn(event), reviewIn(wanted))
        assert.deepEqual(inOrder(decodeEvent(event).verdict), inOrder(expected.verdict))
        assert.ok(decodeEvent(event).received.raw.equals(raw))
      }),
      { numRuns: 2_000 },
    )
    assert.ok(verbatim > 200, `${verbatim} of 2,000 stood in raw as they were`)
  })
})
