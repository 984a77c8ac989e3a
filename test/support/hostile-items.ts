import { readArrival } from '../../src/arrival.ts'
import { decodeEvent, encodeEvent } from '../../src/event.ts'
import { slices } from '../../src/lib/json-slices.ts'
import { loadPreset } from '../../src/presets/index.ts'
import { compileRules } from '../../src/presets/rules.ts'
import { createSplit } from '../../src/presets/split.ts'
import { judge } from '../../src/review/interpret.ts'
import type { Piece } from '../../src/review/received.ts'
import { encodeRows } from '../../src/stores/embedded/row.ts'
import { review } from './reviews.ts'

/** What one preset made of one hostile document. */
export interface Taken {
  readonly document: string
  readonly preset: string
  /** How many items came out of it, by their reason; `accepted` has none. */
  readonly codes: Readonly<Record<string, number>>
  /** How many times as long as the document its events are together. */
  readonly growth: number
}

/** Presets that cut, read and excuse documents in different ways. */
export const PRESETS = ['canonical', 'rainforest', 'apify-junglee', 'bazaarvoice']

const MIB = 2 ** 20
const FIELDS = ['review_id', 'product_id', 'user_id', 'review_text', 'rating', 'review_timestamp', 'images']

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const reviewWith = (more: string): string => `${review('R1').slice(0, -1)},${more}}`
const inEveryField = (value: string): string => `{${FIELDS.map((name) => `"${name}":${value}`).join(',')}}`

export const DOCUMENTS: Readonly<Record<string, () => string>> = {
  'levels in a field that nobody reads': () => reviewWith(`"x":${nested(400_000)}`),
  'levels in every field': () => inEveryField(nested(10_000)),
  'levels of objects in every field': () => inEveryField('{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)),
  'levels in a list': () => reviewWith(`"images":${nested(400_000)}`),
  'nothing but levels': () => nested(400_000),
  'opening brackets alone': () => '['.repeat(8 * MIB),
  'levels beyond counting': () => nested(8 * MIB),
  'empty objects beyond counting': () => reviewWith(`"x":[${'{},'.repeat(8 * MIB)}1]`),
  'empty lists beyond counting': () => reviewWith(`"images":[${'[],'.repeat(8 * MIB)}1]`),
  'numbers beyond counting': () => reviewWith(`"images":[${'1,'.repeat(8 * MIB)}1]`),
  'a list of many wrong entries': () => reviewWith(`"images":[${'1,'.repeat(400_000)}1]`),
  'a list of many texts to be trimmed': () => reviewWith(`"images":[${'" a ",'.repeat(400_000)}"b"]`),
  'many keys': () => reviewWith(Array.from({ length: 100_000 }, (_, n) => `"k${n}":${n}`).join(',')),
  'a key of 8 MiB': () => reviewWith(`"${'k'.repeat(8 * MIB)}":1`),
  'a text of 20 MB': () => reviewWith(`"title":"${'x'.repeat(20e6)}"`),
  'a text of 20 MB in a list': () => reviewWith(`"images":[ "${'x'.repeat(20e6)}" ]`),
  'escapes of 10 MB in a list': () => reviewWith(`"images":[ "${'\\"'.repeat(5e6)}" ]`),
  'a time of 20 MB': () => review('R1', { review_timestamp: 't'.repeat(20e6) }),
  'a pile of marks': () => reviewWith(`"title":"a${'\u0301\u0323'.repeat(500_000)}"`),
  'a pile of marks that fits': () => review('R1', { review_text: `a${'\u0301\u0323'.repeat(49_000)}` }),
  'an error without end': () => `{"error":${nested(10_000)},"status":"failed"}`,
  'an error of 8 MiB': () => `{"error":"${'😀'.repeat(2 * MIB)}","request_info":{"success":false}}`,
  'an envelope without end': () =>
    `{"product":{"asin":${nested(10_000)},"title":"${'x'.repeat(MIB)}"},` +
    `"top_reviews":[${'{"id":"R1"},'.repeat(1_000)}{"id":"R2"}]}`,
  'a range of ratings without end': () =>
    `{"Results":[{"Id":"R1","Rating":${nested(10_000)},"RatingRange":${nested(10_000)}}]}`,
  'a day written in marks': () => `{"reviewId":"R1","date":"a${'\u0301\u0323'.repeat(500_000)}"}`,
  'control characters': () => '\u0001'.repeat(20e6),
}

/** Takes a document the whole way from body to row. Throws where raw does not come back as it was. */
async function take(document: string, preset: string): Promise<Taken> {
  const data = await loadPreset(preset)
  const rules = compileRules(data)
  const split = createSplit(data)
  const body = Buffer.from(DOCUMENTS[document]?.() ?? '')
  const codes: Record<string, number> = {}
  let eventBytes = 0
  for (const slice of slices(body, 'json')) {
    const pieces: Iterable<Piece> = slice.unreadable === undefined ? split(slice.raw) : [slice]
    for (const { raw, carried, unreadable, failure } of pieces) {
      const known = {
        ...(carried && { carried }),
        ...(unreadable !== undefined && { unreadable }),
        ...(failure !== undefined && { failure }),
      }
      const context = { source: 'shop', kind: 'test', ...known }
      const record = judge({ origin: 'shop', receivedAt: 0, raw, context }, rules)
      const event = encodeEvent(record, { run: 'r1', seq: 0 })
      const decoded = decodeEvent(event)
      if (!decoded.received.raw.equals(raw)) throw new Error(`${document}: raw was altered`)
      encodeRows([readArrival(event)], 0)
      const code = record.verdict.status === 'rejected' ? record.verdict.code : record.verdict.status
      codes[code] = (codes[code] ?? 0) + 1
      eventBytes += event.length
    }
  }
  return { document, preset, codes, growth: eventBytes / body.length }
}

// As a program it has as little memory as it is started with: what takes it down is told by the last line it printed.
if (import.meta.main) {
  for (const document of Object.keys(DOCUMENTS)) {
    for (const preset of PRESETS) process.stdout.write(`${JSON.stringify(await take(document, preset))}\n`)
  }
}
