import { isUtf8 } from 'node:buffer'
import { isDense } from '../lib/json-density.ts'
import { findAll } from '../lib/json-scan.ts'
import { createGetter, type Getter } from '../lib/pointer.ts'
import type { Piece, Split } from '../review/received.ts'
import type { Failure, Preset } from './preset.ts'
import { createSigns, type Shown } from './signs.ts'

/** Cuts documents into reviews as the preset says. A response that can't be understood is kept as one piece, with why. */
export function createSplit(preset: Preset): Split {
  const { responses, items, failed, empty, carry } = preset
  const isItemItself = responses.join() === '' && items.join() === '' && failed === undefined
  if (isItemItself && Object.keys(carry).length === 0) return (document) => [{ raw: document }]

  const findFailure = createSigns(failed)
  const findEmpty = createSigns(empty)
  const lists = items.map((pattern) => ({
    pattern,
    inner: items.filter((one) => one.startsWith(`${pattern}/`)),
  }))
  const carried = Object.entries(carry).map(([name, places]) => [name, firstOf(places)] as const)

  function* splitResponse(response: Buffer, value: unknown): Generator<Piece> {
    // One character a byte, so that positions in the text are positions in the response.
    const bytes = response.toString('latin1')
    const failure = findFailure(value)
    if (failure !== undefined) {
      yield { raw: response, failure: wordsIn(response, bytes, failure) }
      return
    }
    const found = reviewsIn(bytes)
    if (found === undefined) {
      const isEmpty = findEmpty(value) !== undefined || items.some((pattern) => isEmptyList(bytes, pattern))
      if (!isEmpty)
        yield { raw: response, unreadable: `no reviews where ${preset.name} has them: ${items.join(', ')}` }
      return
    }
    const envelope = carriedFrom(value)
    for (const [start, end] of found) yield { raw: response.subarray(start, end), ...envelope }
  }

  /** What is around an empty list of reviews is none. */
  function reviewsIn(bytes: string): [number, number][] | undefined {
    for (const { pattern, inner } of lists) {
      const spans = findAll(bytes, pattern)
      if (spans.length > 0 && !inner.some((one) => isEmptyList(bytes, one))) return spans
    }
    return undefined
  }

  function carriedFrom(value: unknown): { carried?: Record<string, unknown> } {
    const fields = carried.flatMap(([name, find]) => {
      const found = find(value)
      return isCarried(found) ? [[name, found] as const] : []
    })
    return fields.length > 0 ? { carried: Object.fromEntries(fields) } : {}
  }

  return function* split(document) {
    if (isDense(document)) {
      yield { raw: document, unreadable: 'holds more values than any response: it was not read' }
      return
    }
    if (!isJson(document)) {
      yield { raw: document } // says itself what is wrong with it when it is interpreted
      return
    }
    const bytes = document.toString('latin1')
    const spans = responses.map((pattern) => findAll(bytes, pattern)).find((some) => some.length > 0)
    if (spans === undefined) {
      yield {
        raw: document,
        unreadable: `no response where ${preset.name} has them: ${responses.join(', ')}`,
      }
      return
    }
    for (const [start, end] of spans) {
      const response = document.subarray(start, end)
      yield* splitResponse(response, JSON.parse(response.toString()))
    }
  }
}

/** What the provider says: a text, or the beginning of some JSON; where it says nothing, what it looks like. */
function wordsIn(response: Buffer, bytes: string, { sign, place }: Shown<Failure>): string {
  const tokensAt = (at: string): string[] =>
    findAll(bytes, at).map(([start, end]) => response.toString('utf8', start, end))
  const told = (sign.message ?? []).flatMap(tokensAt).find((token) => token !== 'null' && token !== '""')
  if (told === undefined)
    return cut(`the provider answered with an error: ${place} is ${tokensAt(place).join()}`)
  return cut(told.startsWith('"') ? (JSON.parse(told) as string) : told)
}

const cut = (words: string): string => words.slice(0, MAX_WORDS).toWellFormed()

/**
 * What travels with every item of a response has to be short, and JSON has to give it back as it was: no lists, no
 * objects, no numbers beyond 2^53.
 */
function isCarried(found: unknown): found is string | number | boolean {
  if (typeof found === 'string') return found.length <= MAX_CARRIED && found.isWellFormed()
  if (typeof found === 'number') return Math.abs(found) <= Number.MAX_SAFE_INTEGER
  return typeof found === 'boolean'
}

const MAX_WORDS = 1_000
/** As long as the schema lets a field be that is no text of a review. */
const MAX_CARRIED = 10_000

/** Looks at one place after the other, until one has more than null. */
function firstOf(places: readonly string[]): Getter {
  const getters = places.map(createGetter)
  return (value) => getters.map((get) => get(value)).find((found) => found !== undefined && found !== null)
}

/** The list is there and holds nothing, or nothing but empty lists: an answer, not a misunderstanding. */
function isEmptyList(bytes: string, pattern: string): boolean {
  const list = /^(.*)\/(?:\*|\[\])$/.exec(pattern)?.[1]
  if (list === undefined) return false
  const spans = findAll(bytes, list)
  if (spans.length === 0) return isEmptyList(bytes, list)
  return spans.every(([start, end]) => bytes[start] === '[' && bytes.slice(start + 1, end - 1).trim() === '')
}

function isJson(document: Buffer): boolean {
  if (!isUtf8(document)) return false
  try {
    JSON.parse(document.toString())
    return true
  } catch {
    return false
  }
}
