import { gzipSync } from 'node:zlib'
import { review } from './reviews.ts'

/** One body that some sender sends some day, and what has to become of it. */
export interface EdgeCase {
  readonly name: string
  readonly body: Buffer
  /** Whether the body is compressed; a file is recognised by its first bytes. */
  readonly gzip?: true
  /** What a webhook answers: 202 where nothing else is said. */
  readonly status?: 400 | 413
  /** What is stored, in order. Where a webhook refuses the body, only a file brings it. */
  readonly items: readonly Item[]
}

export interface Item {
  /** The bytes that have to come back. */
  readonly raw: Buffer
  /** The reason of a dead letter, or `accepted`. */
  readonly code: string
}

const LEVELS = 10_000
const bytes = (...parts: readonly (string | Uint8Array | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

let count = 0
const nextId = (): string => `edge-${++count}`
/** A good review with something put in: `"x":1`. */
const good = (more = ''): string => {
  const text = review(nextId())
  return more === '' ? text : text.replace('{', `{${more},`)
}
/** A good review with one text replaced by another. */
const but = (from: string | RegExp, to: string): string => {
  const text = review(nextId())
  const changed = text.replace(from, () => to)
  if (changed === text) throw new Error(`nothing to replace: ${String(from)}`)
  return changed
}
const item = (raw: string | Uint8Array, code = 'accepted'): Item => ({ raw: bytes(raw), code })
const unreadable = (raw: string | Uint8Array): Item => item(raw, 'unreadable')
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

/** A body that is one item as a whole. */
const one = (name: string, raw: string | Uint8Array, code = 'accepted'): EdgeCase => {
  return { name, body: bytes(raw), items: [item(raw, code)] }
}
const several = (name: string, body: string | Uint8Array, ...items: readonly Item[]): EdgeCase => {
  return { name, body: bytes(body), items }
}
const nothing = (name: string, body: string, status?: 400): EdgeCase => {
  return { name, body: bytes(body), items: [], ...(status && { status }) }
}

function truncatedArray(): EdgeCase {
  const [first, cut] = [good(), '{"review_id":"cut off","rating":']
  return several('an array that is cut off', `[${first},${cut}`, item(first), unreadable(cut))
}

function twoHugeIds(): EdgeCase {
  const [even, odd] = ['9007199254740992', '9007199254740993'].map((id) => but(/"edge-\d+"/, id))
  const code = 'invalid_review_id'
  return several('2^53 and 2^53+1 as ids', `[${even},${odd}]`, item(even ?? '', code), item(odd ?? '', code))
}

function prettyPrinted(): EdgeCase {
  const [first, second] = [good(), good()].map((text) =>
    JSON.stringify(JSON.parse(text), undefined, 2).replaceAll('\n', '\r\n'),
  )
  const body = `[\r\n  ${first},\r\n  ${second}\r\n]\r\n`
  return several('pretty-printed with CRLF', body, item(first ?? ''), item(second ?? ''))
}

function trailingComma(): EdgeCase {
  const raw = good()
  return several('a comma behind the last element', `[${raw},]`, item(raw))
}

function severalDocuments(separator: string, how: string): EdgeCase {
  const [first, second] = [good(), good()]
  return several(`several documents, ${how}`, first + separator + second, item(first), item(second))
}

function byteOrderMark(): EdgeCase {
  const raw = good()
  return several('a byte order mark', `\uFEFF${raw}`, item(raw))
}

function commentBetween(): EdgeCase {
  const [first, second] = [good(), good()]
  const rest = `the second */ ${second}`
  const body = `[${first},/* ${rest}]`
  return several('a comment between elements', body, item(first), unreadable('/*'), unreadable(rest))
}

function longText(): readonly EdgeCase[] {
  const text = (): string => but('lid', `lid${'!'.repeat(20e6)}`)
  const [plain, packed] = [text(), text()]
  const code = 'invalid_review_text'
  return [
    { name: '20 MB of text', body: bytes(plain), status: 413, items: [item(plain, code)] },
    { name: '20 MB of text, compressed', body: gzipSync(packed), gzip: true, items: [item(packed, code)] },
  ]
}

const manyKeys = (): string => good(Array.from({ length: 100_000 }, (_, n) => `"k${n}":${n}`).join(','))

/** Every case there is; each item of them differs from all others. */
export const EDGE_CASES: readonly EdgeCase[] = [
  one('an object that is cut off', '{"review_id":"E","rating":', 'unreadable'),
  one('a text that is cut off', '{"review_id":"E","review_text":"cut o', 'unreadable'),
  truncatedArray(),
  several(
    `${LEVELS} levels`,
    nested(LEVELS),
    unreadable(nested(LEVELS - 1)), // the outermost one holds the items
  ),
  one(`${LEVELS} levels of objects`, '{"a":'.repeat(LEVELS) + '1' + '}'.repeat(LEVELS), 'missing_review_id'),
  one(`${LEVELS} opening braces`, '{"a":'.repeat(LEVELS), 'unreadable'),
  one(`${LEVELS} levels in a field that nobody reads`, good(`"x":${nested(LEVELS)}`)),
  one(`${LEVELS} levels where a text should be`, good(`"title":${nested(LEVELS)}`), 'invalid_title'),
  one(`${LEVELS} levels in a list of texts`, good(`"images":${nested(LEVELS)}`), 'invalid_images'),
  one('1e400 as a rating', but(/"rating":\d/, '"rating":1e400'), 'invalid_rating'),
  one('-1e400 where nobody reads', good('"x":-1e400')),
  one('a number of 10,000 digits', good(`"x":${'7'.repeat(10_000)}`)),
  one('a number of 308 digits', good(`"x":${'7'.repeat(308)}`)),
  one('a fraction of 10,000 digits', good(`"x":0.${'7'.repeat(10_000)}`)),
  one('2^53+1 as an id', but(/"edge-\d+"/, '9007199254740993000'), 'invalid_review_id'),
  twoHugeIds(),
  one('duplicate keys', but('"rating":', '"rating":1,"rating":')),
  one(
    'duplicate keys of which the last is wrong',
    but(/"rating":\d/, '"rating":1,"rating":9'),
    'invalid_rating',
  ),
  one(
    '__proto__ that would give what is missing',
    but(/"user_id":"\w+"/, '"__proto__":{"user_id":"U"}'),
    'missing_user_id',
  ),
  one('__proto__ beside all that is needed', good('"__proto__":null')),
  one('constructor and prototype', good('"constructor":{"prototype":{"toString":1}},"toString":1')),
  one('an escaped lone surrogate', but('lid', 'lid \\ud83d')),
  one('an escaped lone surrogate behind a backslash', but('lid', 'lid \\\\ud83d\\udc00')),
  one('an escaped lone surrogate as a key', good('"\\udfff":1')),
  one('surrogates in the wrong order', but('lid', 'lid \\ude00\\ud83d')),
  one('an escaped pair of surrogates', but('lid', 'lid \\ud83d\\ude00')),
  byteOrderMark(),
  one('a byte order mark in a text', but('lid', '\uFEFFlid')),
  one('UTF-16 with its byte order mark', bytes([0xff, 0xfe], Buffer.from(good(), 'utf16le')), 'unreadable'),
  one('a byte that is no UTF-8', bytes('{"review_id":"E', [0xff], '"}'), 'unreadable'),
  one('a surrogate as UTF-8', bytes('{"review_id":"E', [0xed, 0xa0, 0x80], '"}'), 'unreadable'),
  one('half of a character', bytes('{"review_id":"E', [0xf0, 0x9f, 0x98], '"}'), 'unreadable'),
  one('a NUL in a text', '{"review_id":"E\0"}', 'unreadable'),
  one('a NUL that is escaped', but('lid', 'l\\u0000id')),
  one('nothing but NULs', Buffer.alloc(100), 'unreadable'),
  one('control characters', '\u0001'.repeat(10_000), 'unreadable'),
  one('U+2028 and U+2029 in a text', but('lid', 'lid\u2028and\u2029more')),
  ...longText(),
  nothing('nothing', '', 400),
  nothing('white space', ' \r\n\t', 400),
  nothing('a byte order mark alone', '\uFEFF', 400),
  nothing('an empty array', '[]'),
  nothing('an empty array with space in it', ' [ \r\n ] '),
  several('empty arrays in an array', '[[],[ ]]', unreadable('[]'), unreadable('[ ]')),
  several('an empty array in an array in an array', '[[[]]]', unreadable('[[]]')),
  several('an empty object', '{}', item('{}', 'missing_review_id')),
  one('[,]', '[,]', 'unreadable'),
  prettyPrinted(),
  trailingComma(),
  one('a comma behind the last member', '{"review_id":"E",}', 'unreadable'),
  one('single quotes', "{'review_id':'E'}", 'unreadable'),
  one('keys without quotes', '{review_id:"E"}', 'unreadable'),
  one('NaN', '{"review_id":"E","rating":NaN}', 'unreadable'),
  one('Infinity', '{"review_id":"E","rating":-Infinity}', 'unreadable'),
  one('NaN alone', 'NaN', 'unreadable'),
  one('leading zeros', '{"review_id":"E","rating":05}', 'unreadable'),
  one('a plus sign', '{"review_id":"E","rating":+5}', 'unreadable'),
  one('a fraction without its zero', '{"review_id":"E","rating":.5}', 'unreadable'),
  one('a comment', '{"review_id":"E" /* the id */}', 'unreadable'),
  one('a comment before everything', '// reviews\n{"review_id":"E"}', 'unreadable'),
  commentBetween(),
  one('a line break in a text', '{"review_id":"E\n"}', 'unreadable'),
  severalDocuments('\n', 'one a line'),
  severalDocuments('', 'without anything between'),
  severalDocuments(' \r\n\r\n ', 'far apart'),
  one('a string', '"E"', 'unreadable'),
  one('a number', '42', 'unreadable'),
  one('null', 'null', 'unreadable'),
  one('true', 'true', 'unreadable'),
  one('a web page', '<!doctype html><html><body>{"review_id":"E"}, [1]</body></html>', 'unreadable'),
  one('100,000 keys', manyKeys()),
  one('a key of 1 MiB', good(`"${'k'.repeat(2 ** 20)}":1`)),
  one('an empty key', good('"":{"":[]}')),
]
