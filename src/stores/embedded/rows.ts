import { HeadwaterError } from '../../errors.ts'
import type { Stored } from '../store.ts'
import { decodeBlock, decodeHeader, type Header } from './block.ts'
import { pagesOf } from './paging.ts'
import { decodeRow, isErased } from './row.ts'
import { amendmentOf, decodeNumber, encodeNumber, type StoreEnvironment, type Tables } from './tables.ts'

/** Where a block is. Blocks stay where they are for ever; erasing changes what is in them. */
export interface Place {
  readonly first: number
  readonly header: Header
}

/** Rows that follow each other, as they were written. */
export interface Run {
  readonly first: number
  readonly rows: readonly Buffer[]
}

/** Reads rows, wherever they are, and keeps the last few blocks at hand. */
export interface Rows {
  /** The row with this number and its present verdict; nothing where it was erased. */
  read(number: number): Promise<Stored | undefined>
  /** A row as it was written, with its present verdict. */
  present(row: Buffer): Stored | undefined
  /** The block that holds this row. */
  blockOf(number: number): Place | undefined
  /** The first row behind the unbroken line of blocks, from that of this row on, that are not wanted. */
  behind(number: number, isWanted: (place: Place) => boolean): number
  /** What comes at or after this number: a block, or rows of the tail. Nothing at the end. */
  from(number: number, maxRows: number): Place | Run | undefined
  /** All rows of the block that begins with this one. Throws `DATA_CORRUPT` where they can't be read. */
  load(first: number): Promise<readonly Buffer[]>
}

const INDEX_PAGE = 5_000
const MAX_CACHED_BYTES = 4 * 1024 * 1024

export function openRows({ folder, tables }: StoreEnvironment): Rows {
  const cache = blockCache()

  async function read(number: number): Promise<Stored | undefined> {
    const row = tables.tail.get(encodeNumber(number)) ?? (await readFromBlock(number))
    return row && present(row)
  }

  async function readFromBlock(number: number): Promise<Buffer | undefined> {
    const place = blockOf(number)
    return place && (await load(place.first))[number - place.first]
  }

  function present(row: Buffer): Stored | undefined {
    if (isErased(row)) return undefined
    const stored = decodeRow(row)
    const amendment = amendmentOf(tables, stored.key)
    return amendment ? { ...stored, ...amendment } : stored
  }

  function blockOf(number: number): Place | undefined {
    const [entry] = tables.blocks.getRange({ start: encodeNumber(number), reverse: true, limit: 1 })
    const place = entry && placeOf(entry.key, entry.value)
    return place && number < place.first + place.header.rows ? place : undefined
  }

  function from(number: number, maxRows: number): Place | Run | undefined {
    const [entry] = tables.blocks.getRange({ start: encodeNumber(number), limit: 1 })
    const block = blockOf(number) ?? (entry && placeOf(entry.key, entry.value))
    if (block && block.first <= number) return block
    const rows = tailFrom(tables, number, block?.first, maxRows)
    return rows ?? block
  }

  function behind(number: number, isWanted: (place: Place) => boolean): number {
    let next = blockOf(number)?.first ?? number
    for (const { key, value } of tables.blocks.getRange({ start: encodeNumber(next) })) {
      const place = placeOf(key, value)
      if (place.first !== next || isWanted(place)) break
      next += place.header.rows
    }
    return Math.max(number, next)
  }

  async function load(first: number): Promise<readonly Buffer[]> {
    const header = tables.blocks.get(encodeNumber(first))
    if (!header) throw new HeadwaterError('DATA_CORRUPT', `${folder} has lost the block of row ${first}`)
    const place = placeOf(encodeNumber(first), header)
    const name = `${first} ${place.header.checksum}`
    const cached = cache.get(name)
    if (cached) return cached
    // Nothing is awaited since the header was read: an erasure replaces header and payload together.
    const payload = tables.payloads.get(encodeNumber(first))
    try {
      if (!payload) throw new Error('its rows are gone')
      const rows = await decodeBlock({ header: place.header, payload })
      cache.set(name, rows, place.header.bytes)
      return rows
    } catch (error) {
      throw await unreadable(folder, tables, place, error)
    }
  }

  return { read, present, blockOf, behind, from, load }
}

/** The keys of a range of rows. The index is by key, so all of it is looked at. */
export async function keysOfRows(tables: Tables, first: number, count: number): Promise<readonly string[]> {
  const found: string[] = []
  for await (const entries of pagesOf(tables.keys, INDEX_PAGE)) {
    for (const { key, value } of entries) {
      const number = decodeNumber(value)
      if (number >= first && number < first + count) found.push(key.toString('hex'))
    }
  }
  return found
}

function placeOf(key: Buffer, header: Buffer): Place {
  return { first: decodeNumber(key), header: decodeHeader(header) }
}

/** The first unbroken run of the tail at or after a number, up to where a block begins. */
function tailFrom({ tail }: Tables, number: number, end: number | undefined, limit: number): Run | undefined {
  const bounds = { start: encodeNumber(number), ...(end !== undefined && { end: encodeNumber(end) }), limit }
  const entries = Array.from(tail.getRange(bounds))
  const [head] = entries
  if (!head) return undefined
  const first = decodeNumber(head.key)
  const broken = entries.findIndex(({ key }, index) => decodeNumber(key) !== first + index)
  const run = broken === -1 ? entries : entries.slice(0, broken)
  return { first, rows: run.map(({ value }) => value) }
}

const MAX_NAMED_KEYS = 20

async function unreadable(folder: string, tables: Tables, { first, header }: Place, cause: unknown) {
  const keys = await keysOfRows(tables, first, header.rows)
  const named = keys.slice(0, MAX_NAMED_KEYS).join(', ')
  const more = keys.length > MAX_NAMED_KEYS ? ` and ${keys.length - MAX_NAMED_KEYS} more` : ''
  return new HeadwaterError(
    'DATA_CORRUPT',
    `${folder}: the block of the rows ${first} to ${first + header.rows - 1} can't be read (${String(cause)}). ` +
      `It holds the records ${named}${more}. Check the disk and restore the folder from a backup; an audit names ` +
      'all that can not be read',
    { cause },
  )
}

/** The rows of the blocks that were used last, as many as fit. */
function blockCache() {
  const blocks = new Map<string, { readonly rows: readonly Buffer[]; readonly bytes: number }>()
  let total = 0

  function drop(name: string): void {
    total -= blocks.get(name)?.bytes ?? 0
    blocks.delete(name)
  }

  return {
    get(name: string): readonly Buffer[] | undefined {
      const block = blocks.get(name)
      if (!block) return undefined
      blocks.delete(name)
      blocks.set(name, block)
      return block.rows
    },
    set(name: string, rows: readonly Buffer[], bytes: number): void {
      if (bytes > MAX_CACHED_BYTES) return
      drop(name)
      blocks.set(name, { rows, bytes })
      total += bytes
      for (const oldest of blocks.keys()) {
        if (total <= MAX_CACHED_BYTES) break
        drop(oldest)
      }
    },
  }
}
