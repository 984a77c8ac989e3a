import { hash } from 'node:crypto'
import type { Findable } from '../../review/verdict.ts'
import type { Table } from './environment.ts'
import { decodeNumber, encodeNumber, NUMBER_BYTES } from './tables.ts'

/**
 * An index from a text to row numbers. What rows of one span have in common takes one entry, so that a batch costs as many
 * writes as it has texts: [digest of the text, 8 bytes][first number of the span] → [u16 distance from there] a row, in
 * ascending order. Different texts may share a digest: whoever follows a pointer looks at the row.
 */
export type Pointing = 'products' | 'clusters'

/** What each index of pointers is for: texts of any length. */
export const POINTING: Readonly<Record<Pointing, keyof Findable>> = {
  products: 'product',
  clusters: 'cluster',
}

export const POINTINGS: readonly Pointing[] = ['products', 'clusters']

/** So many row numbers, beginning with a multiple of this, share an entry. */
const SPAN = 4_096
const DISTANCE_BYTES = 2
const DIGEST_BYTES = 8
const ENTRIES_AT_ONCE = 16

export function digest(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex').slice(0, 2 * DIGEST_BYTES), 'hex')
}

/** Adds rows in ascending order, behind or among those that are there. To be called within a write. */
export function addPointers(table: Table, digest: Buffer, rows: readonly number[]): void {
  for (const [first, some] of Map.groupBy(rows, firstOf)) {
    const key = keyOf(digest, first)
    const known = rowsAt(table, key)
    const all = known.length === 0 ? some : Array.from(new Set([...known, ...some])).sort((a, b) => a - b)
    table.putSync(key, encodeDistances(all, first))
  }
}

/** To be called within a write. */
export function removePointer(table: Table, digest: Buffer, row: number): void {
  const key = keyOf(digest, firstOf(row))
  const left = rowsAt(table, key).filter((other) => other !== row)
  if (left.length === 0) table.removeSync(key)
  else table.putSync(key, encodeDistances(left, firstOf(row)))
}

export function isPointedTo(table: Table, digest: Buffer, row: number): boolean {
  const value = table.get(keyOf(digest, firstOf(row)))
  if (value === undefined) return false
  let [low, high] = [0, value.length / DISTANCE_BYTES]
  while (low < high) {
    const middle = (low + high) >> 1
    if (value.readUInt16BE(middle * DISTANCE_BYTES) < row % SPAN) low = middle + 1
    else high = middle
  }
  return low * DISTANCE_BYTES < value.length && value.readUInt16BE(low * DISTANCE_BYTES) === row % SPAN
}

/** The rows in [from, end), ascending. No read of the table is left open between two of them. */
export function* pointersFrom(table: Table, digest: Buffer, from: number, end: number): Generator<number> {
  for (let start = firstOf(from); start < end; ) {
    const range = { start: keyOf(digest, start), end: keyOf(digest, end), limit: ENTRIES_AT_ONCE }
    const entries = Array.from(table.getRange(range), (entry) => ({
      first: firstIn(entry.key),
      rows: rowsIn(entry),
    }))
    for (const { first, rows } of entries) {
      yield* rows.filter((row) => row >= from && row < end)
      start = first + SPAN
    }
    if (entries.length < ENTRIES_AT_ONCE) return
  }
}

/** The last row below `end`. */
export function lastPointer(table: Table, digest: Buffer, end: number): number | undefined {
  for (const entry of table.getRange({ start: keyOf(digest, end), end: digest, reverse: true })) {
    const row = rowsIn(entry).findLast((some) => some < end)
    if (row !== undefined) return row
  }
  return undefined
}

/** The rows that an entry leads to. */
export function rowsIn({ key, value }: { readonly key: Buffer; readonly value: Buffer }): readonly number[] {
  const first = firstIn(key)
  return Array.from(
    { length: Math.floor(value.length / DISTANCE_BYTES) },
    (_, n) => first + value.readUInt16BE(n * DISTANCE_BYTES),
  )
}

/** The digest that the key of an entry begins with. */
export function digestIn(key: Buffer): Buffer {
  return key.subarray(0, DIGEST_BYTES)
}

/** Stands behind all entries of a digest, and before those of the next one. */
export function behind(digest: Buffer): Buffer {
  return Buffer.concat([digest, Buffer.alloc(NUMBER_BYTES + 1, 0xff)])
}

function rowsAt(table: Table, key: Buffer): readonly number[] {
  const value = table.get(key)
  return value === undefined ? [] : rowsIn({ key, value })
}

const firstOf = (row: number): number => row - (row % SPAN)

const firstIn = (key: Buffer): number => decodeNumber(key, DIGEST_BYTES)

const keyOf = (digest: Buffer, row: number): Buffer => Buffer.concat([digest, encodeNumber(row)])

function encodeDistances(rows: readonly number[], first: number): Buffer {
  const bytes = Buffer.allocUnsafe(rows.length * DISTANCE_BYTES)
  for (const [n, row] of rows.entries()) bytes.writeUInt16BE(row - first, n * DISTANCE_BYTES)
  return bytes
}
