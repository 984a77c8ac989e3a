import { parseRecord } from '../../lib/csv.ts'
import { segmentOf } from '../../lib/pointer.ts'
import type { Received } from '../../review/received.ts'

/** What a value can be, in the order in which counts are kept. */
export const KINDS = ['text', 'number', 'boolean', 'object', 'list', 'null'] as const
export type Kind = (typeof KINDS)[number]

/** Larger items are not looked into: what that costs is the sender's choice. */
const MAX_BYTES = 64 * 1024
const MAX_DEPTH = 8
/** Of a list so many entries are looked at, of an item so many values. */
const MAX_ENTRIES = 16
const MAX_VALUES = 1_000
const MAX_POINTER = 200

type Members = Readonly<Record<string, unknown>>

/** The members of an item as it was received; undefined where it has none, or can't be read. Never throws. */
export function membersOf({ raw, context }: Received): Members | undefined {
  const { columns, delimiter = ',', unreadable, blocked, failure, event } = context
  if (raw.length > MAX_BYTES || (unreadable ?? blocked ?? failure ?? event) !== undefined) return undefined
  if (columns !== undefined) {
    const cells = parseRecord(raw, delimiter, delimiter !== '\t')
    return Object.fromEntries(columns.map((name, n) => [name, cells[n] === '' ? null : cells[n]]))
  }
  try {
    const value: unknown = JSON.parse(raw.toString())
    return isMembers(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * Every field of an item and what it is, as a JSON pointer. The entries of a list are one field, `/images/*`, and so are members
 * whose names begin with a digit, which are data.
 */
export function eachField(item: Members, visit: (pointer: string, kind: Kind) => void): void {
  let left = MAX_VALUES

  function look(value: unknown, pointer: string, depth: number): void {
    if (value === undefined || pointer.length > MAX_POINTER || left-- <= 0) return
    visit(pointer, kindOf(value))
    if (depth === MAX_DEPTH) return
    if (Array.isArray(value))
      for (const entry of value.slice(0, MAX_ENTRIES)) look(entry, `${pointer}/*`, depth + 1)
    else if (isMembers(value)) lookInto(value, pointer, depth)
  }

  function lookInto(members: Members, pointer: string, depth: number): void {
    for (const name in members) {
      if (left <= 0) return
      look(members[name], `${pointer}/${memberOf(name)}`, depth + 1)
    }
  }
  lookInto(item, '', 0)
}

/** The field that another one is a member of; empty for those of the item itself. */
export const parentOf = (pointer: string): string => pointer.slice(0, pointer.lastIndexOf('/'))

const memberOf = (name: string): string => (/^\d/.test(name) ? '*' : segmentOf(name))

function kindOf(value: unknown): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'string') return 'text'
  return typeof value as 'number' | 'boolean' | 'object'
}

const isMembers = (value: unknown): value is Members =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
