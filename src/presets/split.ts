import { isUtf8 } from 'node:buffer'
import { isDense } from '../lib/json-density.ts'
import { findAll } from '../lib/json-scan.ts'
import { createGetter, type Getter } from '../lib/pointer.ts'
import type { Piece, Split } from '../review/received.ts'
import type { Preset, Sign } from './preset.ts'

/** Cuts documents into reviews as the preset says. A response that can't be understood is kept as one piece, with why. */
export function createSplit(preset: Preset): Split {
  const { responses, items, failed, empty, carry } = preset
  const isItemItself = responses.join() === '' && items.join() === '' && failed === undefined
  if (isItemItself && Object.keys(carry).length === 0) return (document) => [{ raw: document }]

  const failure = failed && condition(failed)
  const mayBeEmpty = empty ? condition(empty) : () => false
  const carried = Object.entries(carry).map(([name, places]) => [name, firstOf(places)] as const)

  function* splitResponse(response: Buffer, value: unknown): Generator<Piece> {
    // One character a byte, so that positions in the text are positions in the response.
    const bytes = response.toString('latin1')
    if (failure?.(value)) {
      yield { raw: response, failure: wordsIn(response, bytes, failed?.message ?? []) }
      return
    }
    const lists = items.map((pattern) => findAll(bytes, pattern))
    const found = lists.find((spans) => spans.length > 0)
    if (found === undefined) {
      const isEmpty = mayBeEmpty(value) || items.some((pattern) => isEmptyList(value, pattern))
      if (!isEmpty)
        yield { raw: response, unreadable: `no reviews where ${preset.name} has them: ${items.join(', ')}` }
      return
    }
    const envelope = carriedFrom(value)
    for (const [start, end] of found) yield { raw: response.subarray(start, end), ...envelope }
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

/** What the first of these places holds that has more than null: a text, or the beginning of some JSON. */
function wordsIn(response: Buffer, bytes: string, places: readonly string[]): string {
  const tokens = places
    .flatMap((place) => findAll(bytes, place))
    .map(([start, end]) => response.toString('utf8', start, end))
  const told = tokens.find((token) => token !== 'null') ?? '"the provider answered with an error"'
  const words = told.startsWith('"') ? (JSON.parse(told) as string) : told
  return words.slice(0, MAX_WORDS).toWellFormed()
}

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

function condition({ when, equals }: Sign): (value: unknown) => boolean {
  if (equals === undefined) {
    const find = firstOf(when)
    return (value) => find(value) !== undefined
  }
  const getters = when.map(createGetter)
  return (value) => getters.some((get) => get(value) === equals)
}

/** Looks at one place after the other, until one has more than null. */
function firstOf(places: readonly string[]): Getter {
  const getters = places.map(createGetter)
  return (value) => getters.map((get) => get(value)).find((found) => found !== undefined && found !== null)
}

/** The list is there and holds nothing: an answer, not a misunderstanding. */
function isEmptyList(value: unknown, pattern: string): boolean {
  if (!pattern.endsWith('/*')) return false
  const list = createGetter(pattern.slice(0, -2))(value)
  return Array.isArray(list) && list.length === 0
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
