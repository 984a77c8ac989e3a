import { lineCutter, type Lines } from './line-slices.ts'
import {
  BOM,
  type Cutter,
  createCollector,
  createInput,
  type Emit,
  expected,
  hasBomAt,
  type Slice,
  sliceOf,
  type Slicer,
  slicerOf,
  type SlicerOptions,
  START,
  tooLarge,
} from './slicer.ts'

/** `json`: the elements of a root array, else the root value. `ndjson`: one value a line. */
export type Framing = 'json' | 'ndjson'

/**
 * Cuts by structure alone: what stands between two commas is an item, be it valid or not. An input that does not begin
 * like JSON, such as a web page, or that holds nothing but commas, is one unreadable item.
 */
export function createSlicer(framing: Framing, options: SlicerOptions): Slicer {
  return slicerOf(cutterOf(framing, options))
}

/** The items of a whole body, or the first of them; they share its memory. */
export function slices(body: Buffer, framing: Framing, most = Infinity): Slice[] {
  const cutter = cutterOf(framing, { maxBytes: Infinity })
  const found: Slice[] = []
  function emit(slice: Slice): void {
    if (found.length === most) throw ENOUGH
    found.push(slice)
  }
  try {
    cutter.push(body, emit)
    cutter.end(emit)
  } catch (error) {
    if (error !== ENOUGH) throw error
  }
  return found
}

const ENOUGH = new Error('there are more')

const cutterOf = (framing: Framing, options: SlicerOptions): Cutter =>
  framing === 'ndjson' ? lineCutter(NDJSON, options) : valueCutter(options)

const NEWLINE = 0x0a
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

const NDJSON: Lines = {
  findEnd: (chunk, from) => chunk.indexOf(NEWLINE, from),
  trim: trimJson,
}

function valueCutter({ maxBytes, resume = START }: SlicerOptions): Cutter {
  const input = createInput(resume.offset)
  const value = createCollector(maxBytes)
  let { position, inArray = false } = resume
  let isSeparated = !inArray
  let isInside = false
  let depth = 0
  let inString = false
  /** The next byte of the string stands behind a backslash of the last chunk. */
  let isEscaped = false
  let fault: string | undefined
  /** Nothing in this input can be trusted to separate items: all of it is one. */
  let isForeign = false
  /** What stood before the first item; kept, since there may be none. */
  const lead = createCollector(maxBytes)
  let leadFault: string | undefined

  function push(chunk: Buffer, emit: Emit): void {
    cut(input.accept(chunk), emit)
  }

  function cut(chunk: Buffer, emit: Emit): void {
    const base = input.offset - chunk.length
    let at = 0
    while (at < chunk.length) {
      if (!isInside) at = skipTo(findStart(chunk, at, base), chunk, at)
      if (!isInside) return
      const end = findEnd(chunk, at)
      value.add(chunk.subarray(at, end === -1 ? chunk.length : end))
      if (end === -1) return
      take(base + end, emit)
      at = end
    }
  }

  function skipTo(start: number, chunk: Buffer, from: number): number {
    if (position === 0) lead.add(chunk.subarray(from, start))
    return start
  }

  /** Where the next value begins in this chunk, or its end. */
  function findStart(chunk: Buffer, from: number, base: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte === COMMA) separate(base + at)
      else if (byte === OPEN_ARRAY && !inArray) inArray = isSeparated = true
      else if (byte === CLOSE_ARRAY && inArray) inArray = false
      else if (!isBlank(byte)) {
        begin(byte, base + at)
        return at
      }
    }
    return chunk.length
  }

  function separate(offset: number): void {
    isSeparated = true
    if (position === 0) leadFault ??= expected('a value', ',', offset)
  }

  function begin(byte: number | undefined, offset: number): void {
    isInside = true
    isForeign = position === 0 && !inArray && !startsValue(byte)
    if (isForeign) fault = expected('JSON', nameOf(byte), offset)
    else if (inArray && !isSeparated) fault = expected(', or ]', nameOf(byte), offset)
    else if (isClosing(byte)) fault = expected('a value', nameOf(byte), offset)
    isSeparated = false
  }

  /** The place behind the value's last byte, or -1 where it goes on. A faulty one reaches up to the next comma. */
  function findEnd(chunk: Buffer, from: number): number {
    if (isForeign) return -1
    for (let at = from; at < chunk.length; at++) {
      if (inString) {
        at = findStringEnd(chunk, at)
        if (at === -1) return -1
        inString = false
        if (depth === 0 && fault === undefined) return at + 1
        continue
      }
      const byte = chunk[at]
      if (byte === QUOTE) inString = true
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++
      else if (depth === 0) {
        if (endsBefore(byte)) return at
      } else if (isClosing(byte)) {
        depth--
        if (depth === 0 && fault === undefined) return at + 1
      }
    }
    return -1
  }

  function endsBefore(byte: number | undefined): boolean {
    if (byte === COMMA || (byte === CLOSE_ARRAY && inArray)) return true
    if (fault === undefined) return isBlank(byte) || isClosing(byte)
    return !inArray && isBlank(byte)
  }

  /** The closing quote of the string that goes on at `from`, or -1. */
  function findStringEnd(chunk: Buffer, from: number): number {
    const start = isEscaped ? from + 1 : from
    isEscaped = false
    let quote = chunk.indexOf(QUOTE, start)
    while (quote !== -1 && standsBehindEscape(chunk, quote, start)) quote = chunk.indexOf(QUOTE, quote + 1)
    if (quote === -1) isEscaped = standsBehindEscape(chunk, chunk.length, start)
    return quote
  }

  function take(end: number, emit: Emit): void {
    const why = value.isTooLarge ? tooLarge(maxBytes, end) : fault
    const raw = trimJson(value.take())
    isInside = inString = isEscaped = false
    depth = 0
    fault = undefined
    if (raw.length > 0 || why !== undefined) emit(sliceOf(raw, ++position, end, inArray, why))
  }

  function end(emit: Emit, brokenOff?: string): void {
    cut(input.rest(), emit)
    const lacking = lacks()
    const isShort = lacking !== undefined && fault === undefined
    fault = brokenOff ?? (isShort ? expected(lacking, 'the end', input.offset) : fault)
    if (position === 0 && !isInside) {
      fault ??= leadFault
      value.add(lead.take())
    }
    if (isInside || fault !== undefined) take(input.offset, emit)
  }

  function lacks(): string | undefined {
    if (inString) return '"'
    if (depth > 0) return 'a closing bracket'
    return inArray ? ', or ]' : undefined
  }

  return { push, end }
}

function nameOf(byte = 0): string {
  const isPrintable = byte > 0x20 && byte < 0x7f
  return isPrintable ? String.fromCharCode(byte) : `0x${byte.toString(16).padStart(2, '0')}`
}

/** Without white space, as JSON has it, and without the byte order marks that concatenated files leave. */
function trimJson(bytes: Buffer): Buffer {
  let start = 0
  let end = bytes.length
  while (start < end) {
    if (isBlank(bytes[start])) start++
    else if (hasBomAt(bytes, start)) start += BOM.length
    else break
  }
  while (end > start && isBlank(bytes[end - 1])) end--
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
}

const isBlank = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09

/** Whether a JSON value may begin with it, as far as one byte can tell. */
const startsValue = (byte: number | undefined): boolean =>
  byte !== undefined && '{["-0123456789tfn'.includes(String.fromCharCode(byte))

const isClosing = (byte: number | undefined): boolean => byte === CLOSE_OBJECT || byte === CLOSE_ARRAY

/** The place behind the string that opens at `open`; the end of the bytes where nothing closes it. */
export function behindString(bytes: Buffer, open: number): number {
  let quote = bytes.indexOf(QUOTE, open + 1)
  while (quote !== -1 && standsBehindEscape(bytes, quote, open + 1)) quote = bytes.indexOf(QUOTE, quote + 1)
  return quote === -1 ? bytes.length : quote + 1
}

/** Whether an odd number of backslashes stands before this place, counted back to `start`. */
function standsBehindEscape(bytes: Buffer, at: number, start: number): boolean {
  let before = at
  while (before > start && bytes[before - 1] === BACKSLASH) before--
  return (at - before) % 2 === 1
}
