/**
 * Finds the exact text of values inside JSON, without building anything: the tokens behind pointers, and whether every
 * JSON parser could take the whole. Made for text that `JSON.parse` already took; on anything else it ends or throws a
 * SyntaxError, and what it says means nothing.
 */
export type Scanner = (text: string) => Scan

/** Overwritten by the next call of the same scanner. */
export interface Scan {
  /** Start and end of the value behind pointer n at [2n] and [2n + 1]; -1 where there is none. */
  readonly spans: Int32Array
  /** At most 64 levels and finite numbers, also under duplicate keys; no lone surrogates. */
  readonly plain: boolean
  /** A key that was looked for stands twice in one object. */
  readonly repeated: boolean
  /** How many members the root object has; those with the same key are counted apart. */
  readonly members: number
}

const MAX_DEPTH = 64
/** A number this long may be infinite without an exponent. */
const LONG_NUMBER = 300
/** Holds where every backslash begins an escape of its own. */
const LONE_SURROGATE = /\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]/

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

/** A place on the way to the pointers: what is looked for in an object. At most 31 keys an object. */
interface Step {
  readonly bit: number
  /** The number of the pointer that ends here, or -1. */
  index: number
  readonly below: Map<string, Step>
}

/** A scanner for these JSON pointers. They go through objects only, never into arrays. */
export function createScanner(pointers: readonly string[]): Scanner {
  const root = stepsTo(pointers)
  const spans = new Int32Array(pointers.length * 2)
  let text = ''
  let finite = true
  let deepest = 0
  let repeated = false
  let members = 0

  /** From an opening brace to behind its closing one. */
  function object(open: number, step: Step, depth: number): number {
    if (depth > deepest) deepest = depth
    let met = 0
    let at = skipBlank(text, open + 1)
    while (text.charCodeAt(at) === QUOTE) {
      if (step === root) members++
      const keyEnd = stringEnd(text, at)
      const child = step.below.get(keyOf(text, at, keyEnd))
      const start = skipBlank(text, skipBlank(text, keyEnd) + 1)
      let end: number
      if (child === undefined) end = value(start, depth)
      else {
        if ((met & child.bit) !== 0) repeated = true
        met |= child.bit
        const inside = child.below.size > 0 && text.charCodeAt(start) === OPEN_OBJECT
        end = inside ? object(start, child, depth + 1) : value(start, depth)
        if (child.index >= 0) {
          spans[2 * child.index] = start
          spans[2 * child.index + 1] = end
        }
      }
      at = skipBlank(text, end)
      if (text.charCodeAt(at) === COMMA) at = skipBlank(text, at + 1)
    }
    return at + 1
  }

  /** From the first character of a value to behind its last; without recursion, since the depth is the sender's choice. */
  function value(start: number, depth: number): number {
    let level = depth
    let at = start
    while (at < text.length) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) at = stringEnd(text, at)
      else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
        if (++level > deepest) deepest = level
        at++
      } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
        level--
        at++
      } else if (code === COMMA || code === COLON || code <= 0x20) {
        at++
        continue
      } else at = scalar(at)
      if (level <= depth) return at
    }
    return at
  }

  function scalar(start: number): number {
    const end = scalarEnd(text, start)
    const first = text.charCodeAt(start)
    const isNumber = first === 0x2d || (first >= 0x30 && first <= 0x39)
    if (isNumber && end - start > 3 && !isFiniteNumber(text.slice(start, end))) finite = false
    return end
  }

  return (json) => {
    text = json
    finite = true
    deepest = 0
    repeated = false
    members = 0
    spans.fill(-1)
    const start = skipBlank(text, 0)
    if (text.charCodeAt(start) === OPEN_OBJECT) object(start, root, 1)
    else value(start, 0)
    const plain = finite && deepest <= MAX_DEPTH && !holdsLoneSurrogate(text)
    return { spans, plain, repeated, members }
  }
}

/** Whether a JSON text holds more values than this, at any depth, keys not counted: told without building any. */
export function holdsMoreThan(text: string, limit: number): boolean {
  let values = 1
  for (let at = 0; at < text.length && values <= limit; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = stringEnd(text, at) - 1
    else if (code === COMMA || code === OPEN_OBJECT || code === OPEN_ARRAY) values++
  }
  return values > limit
}

function holdsLoneSurrogate(text: string): boolean {
  if (!text.includes('\\u')) return false
  // An escaped backslash before a u is no escape of that u.
  return LONE_SURROGATE.test(text.includes('\\\\') ? text.replaceAll('\\\\', '  ') : text)
}

/** The same JSON without the white space between its tokens. */
export function compact(text: string): string {
  if (!/\s/.test(text)) return text
  let kept = ''
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at)
    const open = quote === -1 ? text.length : quote
    const end = quote === -1 ? open : stringEnd(text, open)
    kept += text.slice(at, open).replaceAll(/\s+/g, '') + text.slice(open, end)
    at = end
  }
  return kept
}

/**
 * The [start, end) of every value that the pattern leads to; `*` stands for each element of an array or each member of an
 * object, `[]` for each element of an array only.
 */
export function findAll(text: string, pattern: string): [number, number][] {
  let found: [number, number][] = [[skipBlank(text, 0), text.trimEnd().length]]
  for (const wanted of segmentsOf(pattern)) {
    found = found.flatMap(([start]) => children(text, start, wanted))
  }
  return found
}

function children(text: string, start: number, wanted: string): [number, number][] {
  const open = text.charCodeAt(start)
  const isWrong = wanted === '[]' ? open !== OPEN_ARRAY : open !== OPEN_OBJECT && open !== OPEN_ARRAY
  if (isWrong) return []
  const found: [number, number][] = []
  let at = skipBlank(text, start + 1)
  for (let n = 0; at < text.length && !isClosing(text.charCodeAt(at)); n++) {
    let key = String(n)
    if (open === OPEN_OBJECT) {
      const keyEnd = stringEnd(text, at)
      key = keyOf(text, at, keyEnd)
      at = skipBlank(text, skipBlank(text, keyEnd) + 1)
    }
    const end = valueEnd(text, at)
    if (wanted === '*' || wanted === '[]' || wanted === key) found.push([at, end])
    at = skipBlank(text, end)
    if (text.charCodeAt(at) === COMMA) at = skipBlank(text, at + 1)
  }
  return found
}

const valueEnd = (text: string, start: number): number => {
  let level = 0
  let at = start
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = stringEnd(text, at)
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      level++
      at++
    } else if (isClosing(code)) {
      level--
      at++
    } else if (code === COMMA || code === COLON || code <= 0x20) {
      at++
      continue
    } else at = scalarEnd(text, at)
    if (level <= 0) return at
  }
  return at
}

function stepsTo(pointers: readonly string[]): Step {
  const root: Step = { bit: 0, index: -1, below: new Map() }
  pointers.forEach((pointer, index) => {
    let step = root
    for (const key of segmentsOf(pointer)) {
      let next = step.below.get(key)
      if (next === undefined)
        step.below.set(key, (next = { bit: 1 << step.below.size, index: -1, below: new Map() }))
      step = next
    }
    step.index = index
  })
  return root
}

/** The keys of a JSON pointer (RFC 6901). */
export function segmentsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function keyOf(text: string, start: number, end: number): string {
  const key = text.slice(start + 1, end - 1)
  return key.includes('\\') ? String(JSON.parse(`"${key}"`)) : key
}

/** Behind the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end + 1
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1
  while (text.charCodeAt(before) === BACKSLASH) before--
  return (at - before) % 2 === 0
}

function scalarEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === COMMA || code <= 0x20 || isClosing(code)) break
    at++
  }
  return at
}

const isClosing = (code: number): boolean => code === CLOSE_OBJECT || code === CLOSE_ARRAY

function isFiniteNumber(token: string): boolean {
  const mayOverflow = token.length > LONG_NUMBER || token.includes('e') || token.includes('E')
  return !mayOverflow || Number.isFinite(Number(token))
}

function skipBlank(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= 0x20) at++
  return at
}
