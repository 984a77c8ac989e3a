import type { Arrival } from '../../review/record.ts'
import type { PutOutcome } from '../store.ts'
import {
  type Block,
  type Dated,
  dated,
  encodeBlocks,
  encodeHeader,
  MAX_BLOCK_BYTES,
  MAX_BLOCK_ROWS,
} from './block.ts'
import { encodeRow } from './row.ts'
import {
  deadLetterBytesOf,
  decodeNumber,
  digest,
  encodeKey,
  encodeNumber,
  encodePointer,
  POINTING,
  type Pointing,
  putPointer,
  readState,
  type State,
  type StoreEnvironment,
  writeState,
} from './tables.ts'

/** This many new rows are worth a block of their own. */
const BLOCK_WORTHY_ROWS = 256

interface NewRow extends Dated {
  readonly arrival: Arrival
  /** The key as the index has it. */
  readonly id: Buffer
  /** Its place among those that were put. */
  readonly index: number
}

export interface Writer {
  put(arrivals: readonly Arrival[], signal?: AbortSignal): Promise<readonly PutOutcome[]>
}

/**
 * Adds rows. What is costly is done before the write: rows are looked up, laid out and compressed, and the write only
 * makes sure that they are still new.
 */
export function openWriter({ tables, refresh, write }: StoreEnvironment): Writer {
  let sealing: Promise<void> | undefined

  async function put(arrivals: readonly Arrival[], signal?: AbortSignal): Promise<readonly PutOutcome[]> {
    refresh()
    if (isFull(readState(tables))) await (sealing ??= seal().finally(() => (sealing = undefined)))
    const { next } = readState(tables)
    let rows = unknown(arrivals)
    while (rows.length > 0) {
      const blocks = isBlockWorthy(rows) ? await encodeBlocks(rows) : undefined
      const entries = indexEntries(rows)
      signal?.throwIfAborted()
      const known = await write(() => append(rows, entries, blocks, next))
      if (known.size === 0) break
      rows = rows.filter(({ arrival }) => !known.has(arrival.key))
    }
    const outcomes = arrivals.map((): PutOutcome => 'unchanged')
    for (const { index } of rows) outcomes[index] = 'stored'
    return outcomes
  }

  /** The first of each key that has no row yet. */
  function unknown(arrivals: readonly Arrival[]): readonly NewRow[] {
    const seen = new Set<string>()
    return arrivals.flatMap((arrival, index) => {
      const { key, received } = arrival
      const id = encodeKey(key)
      const isKnown = seen.has(key) || tables.keys.doesExist(id)
      seen.add(key)
      if (isKnown) return []
      return { arrival, id, index, bytes: encodeRow(arrival), receivedAt: received.receivedAt }
    })
  }

  /** Writes all rows, or none and says which of them are known by now. `seen` is the next number at the look-up. */
  function append(
    rows: readonly NewRow[],
    entries: IndexEntries,
    blocks: readonly Block[] | undefined,
    seen: number,
  ): ReadonlySet<string> {
    const state = readState(tables)
    // Nothing was added since the rows were looked up, or they are looked up again.
    const known = state.next === seen ? NONE : knownAmong(rows)
    if (known.size > 0) return known
    if (blocks) putBlocks(blocks, state.next)
    else rows.forEach(({ bytes }, at) => tables.tail.putSync(encodeNumber(state.next + at), bytes))
    putEntries(entries, state.next)
    const size = rows.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const tail = blocks ? {} : { tailRows: state.tailRows + rows.length, tailBytes: state.tailBytes + size }
    const dead = rows.reduce(
      (sum, { arrival }) => sum + deadLetterBytesOf(arrival.received, arrival.status),
      0,
    )
    writeState(tables, {
      ...state,
      ...tail,
      next: state.next + rows.length,
      deadLetterBytes: state.deadLetterBytes + dead,
    })
    return NONE
  }

  function knownAmong(rows: readonly NewRow[]): ReadonlySet<string> {
    const known = rows.filter(({ id }) => tables.keys.doesExist(id))
    return new Set(known.map(({ arrival }) => arrival.key))
  }

  function putBlocks(blocks: readonly Block[], first: number): void {
    let number = first
    for (const { header, payload } of blocks) {
      tables.blocks.putSync(encodeNumber(number), encodeHeader(header))
      tables.payloads.putSync(encodeNumber(number), payload)
      number += header.rows
    }
  }

  function putEntries(entries: IndexEntries, first: number): void {
    for (const { bytes, at } of entries.keys) tables.keys.putSync(bytes, encodeNumber(first + at))
    for (const { bytes, at } of entries.products)
      putPointer(tables.products, encodePointer(bytes, first + at))
    for (const { bytes, at } of entries.clusters)
      putPointer(tables.clusters, encodePointer(bytes, first + at))
  }

  /** Moves the tail into blocks, unless somebody else has, or has erased a part of it. */
  async function seal(): Promise<void> {
    const { erasures } = readState(tables)
    const entries = Array.from(tables.tail.getRange({}), ({ key, value }) => ({
      number: decodeNumber(key),
      row: dated(value),
    }))
    const [oldest] = entries
    if (!oldest) return
    const runs = await Promise.all(
      unbroken(entries).map(async (run) => ({
        first: run[0]?.number ?? 0,
        blocks: await encodeBlocks(run.map(({ row }) => row)),
      })),
    )
    const size = entries.reduce((sum, { row }) => sum + row.bytes.length, 0)
    await write(() => {
      const state = readState(tables)
      const isSealed = tables.tail.get(encodeNumber(oldest.number)) === undefined
      if (isSealed || state.erasures !== erasures) return
      for (const { first, blocks } of runs) putBlocks(blocks, first)
      for (const { number } of entries) tables.tail.removeSync(encodeNumber(number))
      const [tailRows, tailBytes] = [state.tailRows - entries.length, state.tailBytes - size]
      writeState(tables, { ...state, tailRows, tailBytes })
    })
  }

  return { put }
}

const NONE: ReadonlySet<string> = new Set()

function isFull({ tailRows, tailBytes }: State): boolean {
  return tailRows >= MAX_BLOCK_ROWS || tailBytes >= MAX_BLOCK_BYTES
}

function isBlockWorthy(rows: readonly NewRow[]): boolean {
  return (
    rows.length >= BLOCK_WORTHY_ROWS ||
    rows.reduce((sum, { bytes }) => sum + bytes.length, 0) >= MAX_BLOCK_BYTES
  )
}

/** In the order of their bytes, which spares the indexes from jumping about; `at` counts from the first new row. */
type IndexEntries = Readonly<Record<'keys' | Pointing, readonly IndexEntry[]>>

interface IndexEntry {
  readonly bytes: Buffer
  readonly at: number
}

function indexEntries(rows: readonly NewRow[]): IndexEntries {
  const keys = rows.map(({ arrival, id }, at) => ({ key: arrival.key, bytes: id, at }))
  return {
    keys: keys.sort((a, b) => (a.key < b.key ? -1 : 1)),
    products: pointers(rows, 'products'),
    clusters: pointers(rows, 'clusters'),
  }
}

function pointers(rows: readonly NewRow[], to: Pointing): readonly IndexEntry[] {
  const places = new Map<string, number[]>()
  for (const [at, { arrival }] of rows.entries()) {
    const text = arrival[POINTING[to]]
    if (text === undefined) continue
    const known = places.get(text)
    if (known) known.push(at)
    else places.set(text, [at])
  }
  return Array.from(places, ([text, ats]) => ({ bytes: digest(text), ats }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .flatMap(({ bytes, ats }) => ats.map((at) => ({ bytes, at })))
}

/** Cuts where numbers are missing between one row and the next. */
function unbroken<T extends { readonly number: number }>(entries: readonly T[]): readonly (readonly T[])[] {
  const runs: T[][] = []
  let next = -1
  for (const entry of entries) {
    if (entry.number !== next) runs.push([])
    runs.at(-1)?.push(entry)
    next = entry.number + 1
  }
  return runs
}
