import { isUtf8 } from 'node:buffer'
import { parseRecord } from '../lib/csv.ts'
import { createScanner, segmentsOf } from '../lib/json-scan.ts'
import type { Reading, Rules } from '../review/interpret.ts'
import type { Identity } from '../review/key.ts'
import type { Received } from '../review/received.ts'
import { SCHEMA_VERSION } from '../review/validate.ts'
import { type Derivation, createShape } from './shape.ts'
import { placesOf } from './places.ts'
import { type Preset, presetVersion } from './preset.ts'

/** What a source may ask for beyond its preset. */
export interface RuleOptions extends Derivation {
  /** `raw`: every distinct raw is a record of its own. */
  readonly versions?: 'content' | 'raw'
}

/** Makes the rules of a source out of its preset, once; they are then run for every item. */
export function compileRules(preset: Preset, options: RuleOptions = {}): Rules {
  const { pointers, review, told, content, volatile } = placesOf(preset)
  const scan = createScanner(pointers)

  /** `all` is asked for only where the content fields can't tell two reviews apart. */
  function identityOf(token: (n: number) => string | undefined, apart: boolean, all: () => string): Identity {
    const id = review.map(token).find(isGiven)
    const isTold = id !== undefined && told.some((n) => isGiven(token(n)))
    const byContent = isTold && apart && options.versions !== 'raw'
    const text = byContent ? content.map((n) => compact(token(n) ?? 'null')).join('\0') : all()
    return id === undefined ? { content: text } : { review: id, content: text }
  }

  function readJson(raw: Buffer): Reading {
    if (!isUtf8(raw)) return unreadable('the bytes are not UTF-8', 'base64')
    const text = raw.toString()
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      return unreadable(
        text === '' ? 'there is nothing in it' : `not JSON: ${(error as Error).message}`,
        'text',
      )
    }
    const { spans, plain, repeated } = scan(text)
    const encoding = plain ? 'json' : 'text'
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      return unreadable(`expected a JSON object, found ${kindOf(value)}`, encoding)
    }
    const places = spans.slice() // the next scan overwrites them
    const startOf = (n: number): number => places[2 * n] ?? -1
    const endOf = (n: number): number => places[2 * n + 1] ?? -1
    const tokenAt = (n: number): string | undefined =>
      startOf(n) === -1 ? undefined : text.slice(startOf(n), endOf(n))
    const rest = (): string =>
      without(
        text,
        volatile.map((n) => [startOf(n), endOf(n)]),
      )
    const identity = identityOf(tokenAt, !repeated, rest)
    return { value, token: (pointer) => tokenAt(pointers.indexOf(pointer)), identity, encoding, cells: false }
  }

  function readCells(raw: Buffer, columns: readonly string[], delimiter: string): Reading {
    if (!isUtf8(raw)) return unreadable('the bytes are not UTF-8', 'base64')
    const cells = parseRecord(raw, delimiter, delimiter !== '\t')
    const value = Object.fromEntries(columns.map((name, n) => [name, cells[n]]))
    const tokenAt = (pointer: string): string | undefined =>
      JSON.stringify(value[segmentsOf(pointer)[0] ?? ''])
    const rest = (): string => raw.toString()
    const identity = identityOf((n) => tokenAt(pointers[n] ?? ''), true, rest)
    return { value, token: tokenAt, identity, encoding: undefined, cells: true }
  }

  return {
    versions: { preset: presetVersion(preset), schema: SCHEMA_VERSION },
    read({ raw, context }: Received): Reading {
      if (context.unreadable !== undefined) return unreadable(context.unreadable, undefined)
      if (context.failure !== undefined)
        return { code: 'provider_error', message: context.failure, encoding: undefined }
      if (context.columns !== undefined) return readCells(raw, context.columns, context.delimiter ?? ',')
      return readJson(raw)
    },
    shape: createShape(preset, options),
  }
}

function unreadable(message: string, encoding: Reading['encoding']): Reading {
  return { code: 'unreadable', message, encoding }
}

/** Null and blank ids say nothing. */
const isGiven = (token: string | undefined): token is string =>
  token !== undefined && token !== 'null' && !/^"\s*"$/.test(token)

/** An array or object without the white space between its tokens, which depends on how deep it stood in the document. */
const compact = (token: string): string =>
  token.startsWith('[') || token.startsWith('{') ? token.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, '$1') : token

const kindOf = (value: unknown): string => {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

function without(text: string, spans: readonly (readonly [number, number])[]): string {
  let kept = ''
  let from = 0
  for (const [start, end] of spans.filter(([at]) => at !== -1).toSorted(([a], [b]) => a - b)) {
    kept += text.slice(from, start)
    from = end
  }
  return kept + text.slice(from)
}
