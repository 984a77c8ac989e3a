import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { countFields, createRecordSplitter, parseRecord } from '../../../src/lib/csv.ts'
import type { Slice } from '../../../src/lib/slicer.ts'

interface Options {
  readonly delimiter?: string
  readonly quote?: boolean
  readonly maxBytes?: number
  readonly chunkBytes?: number
}

test('a record ends with LF or CRLF, and blank lines are none', () => {
  assert.deepEqual(records('a,b\r\n\r\n1,2\n\n3,4'), ['a,b', '1,2', '3,4'])
  assert.deepEqual(
    split('a\n\nb\n').map(({ position, end }) => [position, end]),
    [
      [1, 2],
      [2, 5],
    ],
  )
})

test('a quoted field may hold newlines, delimiters and doubled quotes', () => {
  const record = '"two\r\nlines","a ""word"", or two","",4'
  assert.deepEqual(records(`${record}\nnext`), [record, 'next'])
  assert.deepEqual(parseRecord(record, ',', true), ['two\r\nlines', 'a "word", or two', '', '4'])
})

test('a quote inside an unquoted field is literal', () => {
  assert.deepEqual(records('5" pipe,6"\nnext'), ['5" pipe,6"', 'next'])
  assert.deepEqual(parseRecord('5" pipe,6"', ',', true), ['5" pipe', '6"'])
})

test('text behind a closing quote belongs to the field', () => {
  assert.deepEqual(records('"a"b"c,d\nnext'), ['"a"b"c,d', 'next'])
  assert.deepEqual(parseRecord('"a"b"c,d', ',', true), ['ab"c', 'd'])
})

test('without quoting a quote is a character like any other', () => {
  assert.deepEqual(records('"a\tb\nc"\td', { delimiter: '\t', quote: false }), ['"a\tb', 'c"\td'])
  assert.deepEqual(parseRecord('"a\tb""', '\t', false), ['"a', 'b""'])
})

test('a byte order mark hides no quote', () => {
  assert.deepEqual(records('\uFEFF"a\nb",c\n'), ['"a\nb",c'])
})

test('a quote that is never closed makes the rest unreadable', () => {
  assert.deepEqual(
    split('a\n"b,c\nd\n').map(({ raw, unreadable }) => [raw.toString(), unreadable]),
    [
      ['a', undefined],
      ['"b,c\nd\n', 'expected a closing ", found the end at byte 9'],
    ],
  )
})

test('a record over the limit keeps its beginning and ends at the next line, in quotes or not', () => {
  for (const chunkBytes of [1, 4, 100]) {
    const found = split('"0123\n56789\n"a"\n', { maxBytes: 8, chunkBytes })
    assert.deepEqual(
      found.map(({ raw, end, unreadable }) => [raw.toString(), end, unreadable]),
      [
        ['"0123\n56', 12, 'larger than 8 bytes: the rest of it, up to byte 12, was skipped'],
        ['"a"', 16, undefined],
      ],
    )
  }
})

test('the fields are those that csv-parse finds, however the input is chunked', () => {
  const plain = fc.string({ unit: fc.constantFrom('a', 'é', ' ', '.', '\u{1F600}'), maxLength: 6 })
  const literal = plain.map((text) => `a${text}"`)
  const quoted = fc
    .string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r\n', 'ü'), maxLength: 8 })
    .map((text) => `"${text.replaceAll('"', '""')}"`)
  const row = fc.array(fc.oneof(plain, literal, quoted), { minLength: 1, maxLength: 5 })
  const input = fc.record({
    rows: fc.array(row, { maxLength: 6 }),
    delimiter: fc.constantFrom(',', ';', '\t'),
    newline: fc.constantFrom('\n', '\r\n'),
    chunkBytes: fc.integer({ min: 1, max: 30 }),
  })
  fc.assert(
    fc.property(input, ({ rows, delimiter, newline, chunkBytes }) => {
      const text = rows.map((fields) => fields.join(delimiter)).join(newline)
      const expected = parse(text, {
        delimiter,
        record_delimiter: ['\n', '\r\n'],
        relax_quotes: true,
        relax_column_count: true,
        skip_empty_lines: true,
      })
      const slices = split(text, { delimiter, chunkBytes })
      const found = slices.map(({ raw }) => parseRecord(raw, delimiter, true))
      assert.deepEqual(found, expected)
      for (const quoted of [true, false]) {
        for (const { raw } of slices) {
          const { length } = parseRecord(raw, delimiter, quoted)
          assert.equal(countFields(raw, delimiter, quoted), length)
        }
      }
    }),
    { numRuns: 300 },
  )
})

for (const [what, start, byte, fields] of [
  ['delimiters', '', ',', 16 * 2 ** 20 + 1],
  ['delimiters behind a quoted field', '"a"', ',', 16 * 2 ** 20 + 1],
  ['quotes', '', '"', 1],
] as const) {
  test(`a record of ${what} alone is counted without making its fields`, () => {
    const record = Buffer.concat([Buffer.from(start), Buffer.alloc(16 * 2 ** 20, byte)])
    const before = process.memoryUsage().heapUsed
    assert.equal(countFields(record, ',', true), fields)
    const bytes = process.memoryUsage().heapUsed - before
    assert.ok(bytes < 2 * record.length, `${bytes} bytes more than before`)
  })
}

function split(text: string, options: Options = {}): Slice[] {
  const { delimiter = ',', quote = true, maxBytes = 1_000_000, chunkBytes = 1_000_000 } = options
  const splitter = createRecordSplitter({ delimiter, quote, maxBytes })
  const input = Buffer.from(text)
  const found: Slice[] = []
  for (let at = 0; at < input.length; at += chunkBytes) {
    found.push(...splitter.push(input.subarray(at, at + chunkBytes)))
  }
  return [...found, ...splitter.end()]
}

const records = (text: string, options?: Options) => split(text, options).map(({ raw }) => raw.toString())
