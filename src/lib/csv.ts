import { createLineSlicer, type Lines } from './line-slices.ts'
import type { Slicer, SlicerOptions } from './slicer.ts'

export interface CsvLayout {
  /** One ASCII character. */
  readonly delimiter: string
  /** Whether a field may stand in double quotes, as RFC 4180 says; otherwise a quote is a character like any other. */
  readonly quote: boolean
}

/**
 * Cuts CSV into records, line ends excluded; blank lines are none. A quoted field may hold newlines, delimiters and
 * doubled quotes; a quote inside an unquoted field is literal.
 */
export function createRecordSplitter(options: CsvLayout & SlicerOptions): Slicer {
  return createLineSlicer(options.quote ? quotedLines(options.delimiter) : PLAIN_LINES, options)
}

/** The fields of one record. Text behind a closing quote belongs to the field. */
export function parseRecord(raw: Buffer | string, delimiter: string, quoted: boolean): string[] {
  const text = raw.toString()
  if (!quoted || !text.includes('"')) return text.split(delimiter)
  const fields: string[] = []
  let at = 0
  while (at <= text.length) {
    const { field, end } =
      text[at] === '"' ? quotedField(text, at, delimiter) : plainField(text, at, delimiter)
    fields.push(field)
    at = end + delimiter.length
  }
  return fields
}

/** How many fields `parseRecord` finds. It makes none: a record of delimiters alone would take many times its size. */
export function countFields(raw: Buffer | string, delimiter: string, quoted: boolean): number {
  const text = raw.toString()
  let count = 0
  for (let at = 0; at <= text.length; count++) {
    const from = quoted && text[at] === '"' ? closingQuote(text, at) + 1 : at
    at = endOfField(text, from, delimiter) + delimiter.length
  }
  return count
}

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const QUOTE = 0x22

function plainField(text: string, start: number, delimiter: string): { field: string; end: number } {
  const end = endOfField(text, start, delimiter)
  return { field: text.slice(start, end), end }
}

function quotedField(text: string, start: number, delimiter: string): { field: string; end: number } {
  const close = closingQuote(text, start)
  const quoted = text.slice(start + 1, close)
  // Of quotes alone `replaceAll` would take several times the memory.
  const inner = quoted.split('""').join('"')
  const behind = plainField(text, close + 1, delimiter)
  return { field: inner + behind.field, end: behind.end }
}

/** The end of a field, as seen from where no quote hides a delimiter any more. */
function endOfField(text: string, from: number, delimiter: string): number {
  const next = text.indexOf(delimiter, from)
  return next === -1 ? text.length : next
}

/** Where the quote that opens at `start` is closed; the end of the text where it never is. */
function closingQuote(text: string, start: number): number {
  let close = text.indexOf('"', start + 1)
  while (close !== -1 && text[close + 1] === '"') close = text.indexOf('"', close + 2)
  return close === -1 ? text.length : close
}

const PLAIN_LINES: Lines = {
  findEnd: (chunk, from) => chunk.indexOf(NEWLINE, from),
  trim: withoutReturn,
}

/** Lines whose end may be hidden in a quoted field. Two quotes in it close the field and open it again. */
function quotedLines(delimiter: string): Lines {
  const separator = delimiter.charCodeAt(0)
  let isQuoted = false
  let mayOpen = true

  return {
    findEnd(chunk, from, until) {
      for (let at = from; at < until; at++) {
        if (isQuoted) {
          at = chunk.indexOf(QUOTE, at)
          if (at === -1 || at >= until) return -1
          isQuoted = false
          mayOpen = true
          continue
        }
        const byte = chunk[at]
        if (byte === NEWLINE) return at
        if (byte === QUOTE) isQuoted = mayOpen
        else mayOpen = byte === separator
      }
      return -1
    },
    trim: withoutReturn,
    lacks: () => (isQuoted ? 'a closing "' : undefined),
    restart() {
      isQuoted = false
      mayOpen = true
    },
  }
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
}
