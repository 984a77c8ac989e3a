import { createGetter } from '../lib/pointer.ts'
import { type ReviewField, fieldType } from '../review/fields.ts'
import type { Readable, Shaped } from '../review/interpret.ts'
import type { Received } from '../review/received.ts'
import { PARSERS, type Parser } from './parsers.ts'
import type { Preset } from './preset.ts'

/**
 * Ids that a source may ask for where the provider gives none: `derived:` and which review it is, so that all versions of
 * a review have the same, and no two reviews do.
 */
export interface Derivation {
  readonly missingUserId?: 'reject' | 'derive'
  readonly missingReviewId?: 'reject' | 'derive'
}

type Read = (reading: Readable, received: Received) => unknown

/** Finds the fields of the review as the preset says, parses them, completes them from the context. Null is absent. */
export function createShape({ fields }: Preset, { missingUserId, missingReviewId }: Derivation) {
  const readers = Object.entries(fields).map(
    ([name, field]) => [name, createReader(name as ReviewField, field)] as const,
  )

  const wanted = [
    ...(missingReviewId === 'derive' ? ['review_id'] : []),
    ...(missingUserId === 'derive' ? ['user_id'] : []),
  ]

  const isPlain = wanted.length === 0 && Object.entries(fields).every(isTakenAsItIs)

  return function shape(reading: Readable, received: Received, key: string): Shaped {
    if (isPlain && isShaped(reading, fields)) return { candidate: reading.value, derived: NOTHING_DERIVED }
    const candidate: Record<string, unknown> = {}
    for (const [name, read] of readers) {
      const value = read(reading, received)
      if (value !== undefined && value !== null) candidate[name] = value
    }
    const derived = wanted.filter((field) => isMissing(candidate[field]))
    for (const field of derived) candidate[field] = `derived:${key.slice(0, 16)}`
    return { candidate, derived }
  }
}

const NOTHING_DERIVED: readonly string[] = []

/** Whether a field stands under its own name, in the item only, and needs no parsing. */
function isTakenAsItIs([name, { from, carried, value, parse }]: [
  string,
  NonNullable<Preset['fields'][ReviewField]>,
]): boolean {
  const isFoundOnly = carried === undefined && value === undefined && parse === undefined
  return isFoundOnly && from?.length === 1 && from[0] === `/${name}`
}

/** Whether an item has known fields only, each once, and none that is null. */
function isShaped({ value, members, cells }: Readable, fields: Preset['fields']): boolean {
  if (cells) return false
  let count = 0
  for (const name in value) {
    if (!Object.hasOwn(fields, name) || value[name] === null) return false
    count++
  }
  return count === members
}

function createReader(
  name: ReviewField,
  { from = [], carried, value: constant, parse }: NonNullable<Preset['fields'][ReviewField]>,
): Read {
  const places = from.map((pointer) => ({ pointer, get: createGetter(pointer) }))
  const parser: Parser | undefined = parse && PARSERS[parse]
  const type = fieldType(name)

  return ({ value, token, cells }, { context }) => {
    for (const { pointer, get } of places) {
      const found = get(value)
      if (found === undefined || found === null || (cells && type !== 'string' && found === '')) continue
      if (parser) return parser(found, () => token(pointer) ?? '', value)
      return cells ? fromCell(found, type) : found
    }
    const given = carried === undefined ? undefined : context.carried?.[carried]
    if (given === undefined || given === null) return constant
    return parser ? parser(given, () => JSON.stringify(given), value) : given
  }
}

/** A cell of a CSV file is text; where the review wants a number or a truth value it is read as one. */
function fromCell(cell: unknown, type: ReturnType<typeof fieldType>): unknown {
  if (type === 'number' || type === 'integer') return PARSERS.number(cell, NO_TOKEN)
  return type === 'boolean' ? PARSERS.boolean(cell, NO_TOKEN) : cell
}

/** A cell is its own token. */
const NO_TOKEN = (): string => ''

const isMissing = (value: unknown): boolean =>
  value === undefined || (typeof value === 'string' && value.trim() === '')
