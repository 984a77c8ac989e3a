import { isAscii, isUtf8 } from 'node:buffer'
import { parseRecord } from '../lib/csv.ts'
import { isDense } from '../lib/json-density.ts'
import { compact, createScanner, segmentsOf } from '../lib/json-scan.ts'
import type { Reading, Rules } from '../review/interpret.ts'
import type { Identity } from '../review/key.ts'
import { MAX_RAW_BYTES, type Received } from '../review/received.ts'
import type { Repair } from '../review/repair.ts'
import { REVIEW } from '../review/validate.ts'
import { type Derivation, createShape } from './shape.ts'
import { readNote } from './note.ts'
import { placesOf } from './places.ts'
import { type Preset, presetVersion } from './preset.ts'
import { repaired } from './repair.ts'
import { createRemovedSign } from './signs.ts'

/** What a source may ask for beyond its preset. */
export interface RuleOptions extends Derivation {
  /** `raw`: every distinct raw is a record of its own. */
  readonly versions?: 'content' | 'raw'
  /** Repairs that the source keeps. */
  readonly repairs?: readonly Omit<Repair, 'kept'>[]
}

/** Makes the rules of a source out of its preset, once; they are then run for every item. */
export function compileRules(preset: Preset, options: RuleOptions = {}): Rules {
  const { pointers, review, told, content, volatile } = placesOf(preset)
  const scan = createScanner(pointers)
  const shape = createShape(preset, options)
  const isRemoved = preset.removed === undefined ? undefined : createRemovedSign(preset)
  /** Nothing comes from elsewhere than the item. */
  const isAlone = Object.values(preset.fields).every(
    ({ carried, value }) => carried === undefined && value === undefined,
  )

  /** `all` is asked for only where the content fields can't tell two reviews apart. */
  function identityOf(token: (n: number) => string | undefined, apart: boolean, all: () => string): Identity {
    const id = firstGiven(review, token)
    const isTold = id !== undefined && firstGiven(told, token) !== undefined
    const byContent = isTold && apart && options.versions !== 'raw'
    const text = byContent ? contentOf(content, token) : all()
    return id === undefined ? { content: text } : { review: id, content: text }
  }

  function readJson(raw: Buffer): Reading {
    if (raw.length > MAX_RAW_BYTES) return unreadable('larger than 128 MiB: it was not read', 'base64')
    if (!isUtf8(raw)) return unreadable('the bytes are not UTF-8', 'base64')
    if (isDense(raw)) return unreadable('holds more values than any review: it was not read', 'text')
    const text = raw.toString()
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      return unreadable(
        text === '' ? 'there is nothing in it' : `not JSON: ${(error as Error).message.toWellFormed()}`,
        'text',
      )
    }
    const { spans, plain, repeated, members } = scan(text)
    const encoding = plain ? 'json' : 'text'
    if (!isObject(value)) {
      return unreadable(`expected a JSON object, found ${kindOf(value)}`, encoding)
    }
    const event = isRemoved?.(value) ? 'removed' : undefined
    const identity = identityOf(
      (n) => tokenAt(text, spans, n),
      // News of a review may hold all of its content.
      !repeated && event === undefined,
      () => without(text, spans, volatile),
    )
    // Looked for again, since the next scan writes over the spans, and hardly anybody asks.
    const token = (pointer: string): string | undefined =>
      tokenAt(text, scan(text).spans, pointers.indexOf(pointer))
    return { value, token, identity, encoding, cells: false, members, event, tame: isAlone && isTame(raw) }
  }

  function readCells(raw: Buffer, columns: readonly string[], delimiter: string): Reading {
    if (!isUtf8(raw)) return unreadable('the bytes are not UTF-8', 'base64')
    const cells = parseRecord(raw, delimiter, delimiter !== '\t')
    const value = Object.fromEntries(columns.map((name, n) => [name, cells[n]]))
    const tokenAt = (pointer: string): string | undefined =>
      JSON.stringify(value[segmentsOf(pointer)[0] ?? ''])
    const rest = (): string => raw.toString()
    const identity = identityOf((n) => tokenAt(pointers[n] ?? ''), true, rest)
    const members = columns.length
    return { value, token: tokenAt, identity, encoding: undefined, cells: true, members, tame: false }
  }

  return {
    versions: { preset: presetVersion(preset), schema: REVIEW.version },
    validator: REVIEW,
    read({ raw, context }: Received): Reading {
      if (context.unreadable !== undefined) return unreadable(context.unreadable, undefined)
      if (context.blocked !== undefined)
        return { code: 'soft_blocked', message: context.blocked, encoding: undefined }
      if (context.event !== undefined) return readNote(raw, context.event)
      if (context.failure !== undefined)
        return { code: 'provider_error', message: context.failure, encoding: undefined }
      if (context.columns !== undefined) return readCells(raw, context.columns, context.delimiter ?? ',')
      return readJson(raw)
    },
    shape: (reading, received, key) =>
      received.context.event === undefined
        ? shape(reading, received, key)
        : { candidate: reading.value, derived: [] },
    repairs: (options.repairs ?? []).map((repair) => ({ ...repair, kept: true })),
    repair: repaired,
  }
}

/** Whether JSON can hold nothing but printable ASCII: it is ASCII, without escapes and without DEL. */
const isTame = (raw: Buffer): boolean => isAscii(raw) && !raw.includes(0x5c) && !raw.includes(0x7f)

function unreadable(message: string, encoding: Reading['encoding']): Reading {
  return { code: 'unreadable', message, encoding }
}

/** The exact text behind pointer n. */
function tokenAt(text: string, spans: Int32Array, n: number): string | undefined {
  const start = spans[2 * n] ?? -1
  return start === -1 ? undefined : text.slice(start, spans[2 * n + 1])
}

/** Null and blank texts say nothing. */
function firstGiven(places: readonly number[], token: (n: number) => string | undefined): string | undefined {
  for (const n of places) {
    const found = token(n)
    if (found !== undefined && found !== 'null' && !isBlankText(found)) return found
  }
  return undefined
}

/** A text of white space. Letters and digits at its beginning, which most texts have, are told at one look. */
function isBlankText(token: string): boolean {
  const first = token.charCodeAt(1)
  const mayBeBlank = first <= QUOTE || first > 0x7f
  return token.charCodeAt(0) === QUOTE && mayBeBlank && /^"\s*"$/.test(token)
}

const QUOTE = 0x22

function contentOf(places: readonly number[], token: (n: number) => string | undefined): string {
  let text = ''
  for (const n of places) text += `${text === '' ? '' : '\0'}${unspaced(token(n) ?? 'null')}`
  return text
}

/** How the tokens of an array or object are spaced depends on how deep it stood in the document. */
function unspaced(token: string): string {
  const first = token.charCodeAt(0)
  return first === 0x5b || first === 0x7b ? compact(token) : token
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

const kindOf = (value: unknown): string => {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

/** The text without the values behind these pointers. */
function without(text: string, spans: Int32Array, places: readonly number[]): string {
  const found = places
    .map((n) => [spans[2 * n] ?? -1, spans[2 * n + 1] ?? -1] as const)
    .filter(([start]) => start !== -1)
  let kept = ''
  let from = 0
  for (const [start, end] of found.toSorted(([a], [b]) => a - b)) {
    kept += text.slice(from, start)
    from = end
  }
  return kept + text.slice(from)
}
