import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSlicer, type Framing, slices } from '../../../src/lib/json-slices.ts'
import type { Slice, SlicerOptions } from '../../../src/lib/slicer.ts'

const UNBOUNDED = { maxBytes: Infinity }

test('the elements of a root array come with their exact bytes', () => {
  assert.deepEqual(raws('[ {"a" : 1.0},\n  "x, ]", [[1],2] , -0e1,null ]\n'), [
    '{"a" : 1.0}',
    '"x, ]"',
    '[[1],2]',
    '-0e1',
    'null',
  ])
})

test('any other root value is one item, and so is each that follows it', () => {
  assert.deepEqual(raws(' {\n  "a": [1, 2]\n}\n'), ['{\n  "a": [1, 2]\n}'])
  assert.deepEqual(raws('{"a":1} {"b":2}{"c":3}\n4'), ['{"a":1}', '{"b":2}', '{"c":3}', '4'])
  assert.deepEqual(raws('[1,2]\n[3]'), ['1', '2', '3'])
})

test('nothing but white space and a byte order mark is no item', () => {
  for (const text of ['', ' \r\n\t', '\uFEFF', '\uFEFF \n', '[]', '[ ]', '[] []'])
    assert.deepEqual(cut(text), [])
})

test('nothing but commas was dropped in silence: it is one unreadable item', () => {
  assert.deepEqual(told(',,,'), [[',,,', 'expected a value, found , at byte 0']])
  assert.deepEqual(told(' [ , ]\n'), [['[ , ]', 'expected a value, found , at byte 3']])
  assert.deepEqual(told('[,'), [['[,', 'expected , or ], found the end at byte 2']])
  assert.deepEqual(raws('[,1,,2,]'), ['1', '2'])
})

test('a web page became an item a word: what does not begin like JSON is one unreadable item', () => {
  const page = '<html>\n<body class="a, b">{ Access denied }</body>\n</html>'
  assert.deepEqual(told(`\uFEFF ${page} `), [[page, 'expected JSON, found < at byte 4']])
  assert.deepEqual(told('id,text\n1,"a"'), [['id,text\n1,"a"', 'expected JSON, found i at byte 0']])
  assert.deepEqual(raws('{"a":1} oops {"b":2}'), ['{"a":1}', 'oops', '{"b":2}'])
})

test('a byte order mark is not part of an item', () => {
  assert.deepEqual(raws('\uFEFF[{"a":1}]'), ['{"a":1}'])
  assert.deepEqual(raws('\uFEFF{"a":1}\n\uFEFF{"b":2}'), ['{"a":1}', '{"b":2}'])
  assert.deepEqual(raws('\uFEFF{"a":1}\n\uFEFF{"b":2}\n', 'ndjson'), ['{"a":1}', '{"b":2}'])
})

test('an element that is no JSON is an item like its neighbours', () => {
  assert.deepEqual(cut('[{"a":1},{bad},{"b":2}]'), [
    { raw: '{"a":1}', position: 1, end: 8, inArray: true },
    { raw: '{bad}', position: 2, end: 14, inArray: true },
    { raw: '{"b":2}', position: 3, end: 22, inArray: true },
  ])
})

test('what stands between two elements is one unreadable item that says why', () => {
  assert.deepEqual(told('[{"a":1} oh "no, ]" {} , {"b":2}]'), [
    ['{"a":1}', undefined],
    ['oh "no, ]" {}', 'expected , or ], found o at byte 9'],
    ['{"b":2}', undefined],
  ])
  assert.deepEqual(told('[1}x, 2]'), [
    ['1', undefined],
    ['}x', 'expected , or ], found } at byte 2'],
    ['2', undefined],
  ])
  assert.deepEqual(told('1] 2'), [
    ['1', undefined],
    [']', 'expected a value, found ] at byte 1'],
    ['2', undefined],
  ])
})

test('a rest that was cut off is one unreadable item', () => {
  assert.deepEqual(told('[1, {"a":[2'), [
    ['1', undefined],
    ['{"a":[2', 'expected a closing bracket, found the end at byte 11'],
  ])
  assert.deepEqual(told('{"a":"b}'), [['{"a":"b}', 'expected ", found the end at byte 8']])
  assert.deepEqual(told('[1,2'), [
    ['1', undefined],
    ['2', 'expected , or ], found the end at byte 4'],
  ])
})

test('an array that ends without its bracket is told, though nothing is left of it', () => {
  assert.deepEqual(told('[{"a":1},'), [
    ['{"a":1}', undefined],
    ['', 'expected , or ], found the end at byte 9'],
  ])
})

test('an input that broke off makes its rest unreadable', () => {
  const slicer = createSlicer('ndjson', UNBOUNDED)
  const found = [...slicer.push(Buffer.from('1\n2')), ...slicer.end('the line went dead')]
  assert.deepEqual(
    found.map(shown).map(({ raw, unreadable }) => [raw, unreadable]),
    [
      ['1', undefined],
      ['2', 'the line went dead'],
    ],
  )
})

test('lines end with LF or CRLF, and blank ones are no items', () => {
  assert.deepEqual(cut('{"a":1}\r\n\r\n  {"b":2}\t\n\n{"c":3}', 'ndjson'), [
    { raw: '{"a":1}', position: 1, end: 9 },
    { raw: '{"b":2}', position: 2, end: 22 },
    { raw: '{"c":3}', position: 3, end: 30 },
  ])
  assert.deepEqual(raws('1\n2\n', 'ndjson'), ['1', '2'])
})

test('escaped quotes end no string, wherever the chunks end', () => {
  const text = String.raw`["a\"]","\\",{"b\\\"":"\\\\"},"\\\\\"]"]`
  const expected = JSON.parse(text) as unknown[]
  for (let size = 1; size < text.length; size++) {
    const found = inChunks(Buffer.from(text), 'json', (n) => n * size)
    assert.deepEqual(
      found.map(({ raw }) => JSON.parse(raw.toString())),
      expected,
    )
  }
})

test('bytes that are no UTF-8 pass through exactly', () => {
  const bad = Buffer.from([0x22, 0xff, 0xc3, 0x28, 0x00, 0x22])
  const body = Buffer.concat([Buffer.from('['), bad, Buffer.from(','), bad, Buffer.from(']')])
  assert.deepEqual(
    [...slices(body, 'json')].map(({ raw }) => raw),
    [bad, bad],
  )
})

test('ten thousand levels are one item', () => {
  const deep = '[{"a":'.repeat(5_000) + '1' + '}]'.repeat(5_000)
  assert.deepEqual(raws(`[${deep},2]`), [deep, '2'])
})

test('a whole body is cut without a copy, and no further than it is asked for', () => {
  for (const [framing, text] of [
    ['ndjson', '1\n2\n3'],
    ['json', '[1,2,3]'],
  ] as const) {
    const body = Buffer.from(text)
    for (const { raw } of slices(body, framing)) assert.equal(raw.buffer, body.buffer)
    assert.deepEqual(
      slices(body, framing, 1).map(({ raw }) => raw.toString()),
      ['1'],
    )
  }
})

test('an item over the limit keeps its beginning and does not hurt the next', () => {
  const skipped = (end: number) => `larger than 10 bytes: the rest of it, up to byte ${end}, was skipped`
  for (const size of [1, 3, 1_000]) {
    const cutIn = (text: string, framing: Framing) =>
      inChunks(Buffer.from(text), framing, (n) => n * size, { maxBytes: 10 }).map(shown)
    assert.deepEqual(cutIn('[1,{"a":"bcdefg,]"},"12345678"]', 'json'), [
      { raw: '1', position: 1, end: 2, inArray: true },
      { raw: '{"a":"bcde', position: 2, end: 19, inArray: true, unreadable: skipped(19) },
      { raw: '"12345678"', position: 3, end: 30, inArray: true },
    ])
    assert.deepEqual(cutIn('01234567890\n0123456789\n', 'ndjson'), [
      { raw: '0123456789', position: 1, end: 12, unreadable: skipped(12) },
      { raw: '0123456789', position: 2, end: 23 },
    ])
  }
})

const blank = fc.constantFrom('', ' ', '\n', '\r\n', '\t', '\uFEFF')
const token = fc.constantFrom(
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '"',
  '\\',
  '\\"',
  'x',
  '1',
  'null',
  '"a"',
  'é',
  '\u{1F600}',
)
const soup = fc.array(fc.oneof(blank, token), { maxLength: 40 }).map((parts) => Buffer.from(parts.join('')))
const anyInput = fc.oneof(
  soup,
  fc.json().map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
)
const framing = fc.constantFrom<Framing>('json', 'ndjson')
const cuts = fc.array(fc.nat(40), { maxLength: 12 })

test('however the input is chunked, the items are the same', () => {
  fc.assert(
    fc.property(anyInput, framing, cuts, fc.constantFrom(3, 1_000), (input, kind, places, maxBytes) => {
      const sorted = places.toSorted((a, b) => a - b)
      const whole = inChunks(input, kind, () => input.length, { maxBytes })
      assert.deepEqual(
        inChunks(input, kind, (n) => sorted[n - 1] ?? input.length, { maxBytes }),
        whole,
      )
    }),
    { numRuns: 300 },
  )
})

test('no byte is lost but white space, commas, brackets of the root and byte order marks', () => {
  fc.assert(
    fc.property(anyInput, framing, (input, kind) => {
      let from = 0
      for (const { raw, end } of slices(input, kind)) {
        const start = withoutBlankEnd(input.subarray(0, end)).length - raw.length
        if (raw.length > 0) assert.deepEqual(input.subarray(start, start + raw.length), raw)
        if (raw.length > 0) assertLosable(input.subarray(from, start), kind)
        from = raw.length > 0 ? end : from
      }
      assertLosable(input.subarray(from), kind)
    }),
    { numRuns: 300 },
  )
})

test('valid JSON is cut into its elements', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 2), (elements, indent) => {
      const body = Buffer.from(JSON.stringify(elements, undefined, indent))
      const found = [...slices(body, 'json')]
      assert.deepEqual(
        found.map(({ raw }) => JSON.parse(raw.toString())),
        JSON.parse(body.toString()),
      )
      assert.ok(found.every(({ unreadable }) => unreadable === undefined))
    }),
    { numRuns: 300 },
  )
})

test('cutting resumes behind any item that is not the last of the input', () => {
  fc.assert(
    fc.property(anyInput, framing, (input, kind) => {
      const all = [...slices(input, kind)]
      for (const [n, { end, position, inArray = false }] of all.entries()) {
        if (end === input.length) return
        const resume = { offset: end, position, inArray }
        const rest = inChunks(input.subarray(end), kind, () => input.length, { ...UNBOUNDED, resume })
        assert.deepEqual(rest.map(shown), all.slice(n + 1).map(shown))
      }
    }),
    { numRuns: 300 },
  )
})

const cut = (text: string, kind: Framing = 'json') => [...slices(Buffer.from(text), kind)].map(shown)
const raws = (text: string, kind: Framing = 'json') => cut(text, kind).map(({ raw }) => raw)
const told = (text: string) => cut(text).map(({ raw, unreadable }) => [raw, unreadable])
const shown = ({ raw, ...rest }: Slice) => ({ raw: raw.toString('latin1'), ...rest })

/** Pushes the input in chunks: the nth one ends at `endOf(n)`, the last one at the end. */
function inChunks(
  input: Buffer,
  kind: Framing,
  endOf: (n: number) => number,
  options: SlicerOptions = UNBOUNDED,
): Slice[] {
  const slicer = createSlicer(kind, options)
  const found: Slice[] = []
  for (let n = 1, from = 0; from < input.length; n++) {
    const end = Math.min(input.length, Math.max(from, endOf(n)))
    found.push(...slicer.push(input.subarray(from, end)))
    from = end
  }
  return [...found, ...slicer.end()]
}

function withoutBlankEnd(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.toString('latin1').replace(/[ \t\r\n]+$/, '').length)
}

function assertLosable(gap: Buffer, kind: Framing): void {
  const text = gap.toString('latin1').replaceAll('\xEF\xBB\xBF', '')
  assert.match(text, kind === 'json' ? /^[ \t\r\n,[\]]*$/ : /^[ \t\r\n]*$/)
}
