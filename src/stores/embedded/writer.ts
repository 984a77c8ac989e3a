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
import { addPointers, digest, POINTING, POINTINGS, type Pointing } from './pointers.ts'
import { encodeRows } from './row.ts'
import {
  deadLetterBytesOf,
  decodeNumber,
  encodeKey,
  encodeNumber,
  readState,
  type State,
  type StoreEnvironment,
  writeState,
} from './tables.ts'

/** This many new rows are worth a block of their own. */
const BLOCK_WORTHY_ROWS = 256

interface NewRow {
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
export function openWriter({ tables, refresh, write }: StoreEnvironment, clock: () => number): Writer {
  let sealing: Promise<void> | undefined

  async function put(arrivals: readonly Arrival[], signal?: AbortSignal): Promise<readonly PutOutcome[]> {
    refresh()
    if (isFull(readState(tables))) await (sealing ??= seal().finally(() => (sealing = undefined)))
    let rows: readonly NewRow[] = arrivals.map(newRow)
    for (let isWritten = false; !isWritten; ) {
      refresh()
      const { next } = readState(tables)
      rows = unknown(rows)
      isWritten = rows.length === 0 || (await add(rows, next, signal))
    }
    const outcomes = arrivals.map((): PutOutcome => 'unchanged')
    for (const { index } of rows) outcomes[index] = 'stored'
    return outcomes
  }

  /** The first of each key that has no row yet, looked up in the order of the keys, which spares the index from jumping about. */
  function unknown(rows: readonly NewRow[]): readonly NewRow[] {
    const sorted = rows.toSorted(byKey)
    const known = sorted.filter((row, n) => row.arrival.key === sorted[n - 1]?.arrival.key || isKnown(row))
    return known.length === 0 ? rows : without(rows, new Set(known))
  }

  const isKnown = ({ id }: Pick<NewRow, 'id'>): boolean => tables.keys.doesExist(id)

  /** Writes all rows, or nothing where one of them is known by now. `seen` is the next number at the look-up. */
  async function add(rows: readonly NewRow[], seen: number, signal?: AbortSignal): Promise<boolean> {
    const arrivals = rows.map(({ arrival }) => arrival)
    const laidOut = encodeRows(arrivals, clock())
    const blocks = isBlockWorthy(laidOut) ? await encodeBlocks(laidOut) : undefined
    const entries = indexEntries(rows)
    signal?.throwIfAborted()
    return write(() => {
      const isNew = readState(tables).next === seen || !entries.keys.some(isKnown)
      if (isNew) append({ rows, laidOut, entries, blocks })
      return isNew
    })
  }

  function append({ rows, laidOut, entries, blocks }: Addition): void {
    const state = readState(tables)
    putEntries(entries, state.next)
    if (blocks) putBlocks(blocks, state.next)
    else laidOut.forEach(({ bytes }, at) => tables.tail.putSync(encodeNumber(state.next + at), bytes))
    const tail = blocks
      ? {}
      : { tailRows: state.tailRows + rows.length, tailBytes: state.tailBytes + sizeOf(laidOut) }
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
    for (const { id, at } of entries.keys) tables.keys.putSync(id, encodeNumber(first + at))
    for (const to of POINTINGS) {
      for (const { text, ats } of entries[to]) {
        const rows = ats.map((at) => first + at)
        addPointers(tables[to], text, rows)
      }
    }
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

function isFull({ tailRows, tailBytes }: State): boolean {
  return tailRows >= MAX_BLOCK_ROWS || tailBytes >= MAX_BLOCK_BYTES
}

function isBlockWorthy(rows: readonly Dated[]): boolean {
  return rows.length >= BLOCK_WORTHY_ROWS || sizeOf(rows) >= MAX_BLOCK_BYTES
}

const sizeOf = (rows: readonly Dated[]): number => rows.reduce((sum, { bytes }) => sum + bytes.length, 0)

/** What one write adds: the rows as they go into the tail, or in blocks. */
interface Addition {
  readonly rows: readonly NewRow[]
  readonly laidOut: readonly Dated[]
  readonly entries: IndexEntries
  readonly blocks: readonly Block[] | undefined
}

/** In the order of their bytes, which spares the indexes from jumping about; `at` counts from the first new row. */
interface IndexEntries extends Readonly<Record<Pointing, readonly Pointers[]>> {
  readonly keys: readonly { readonly id: Buffer; readonly at: number }[]
}

/** What one text leads to; `text` is its digest. */
interface Pointers {
  readonly text: Buffer
  readonly ats: readonly number[]
}

function indexEntries(rows: readonly NewRow[]): IndexEntries {
  const keys = rows.map(({ arrival, id }, at) => ({ arrival, id, at }))
  return {
    keys: keys.sort(byKey),
    products: pointers(rows, 'products'),
    clusters: pointers(rows, 'clusters'),
  }
}

function pointers(rows: readonly NewRow[], to: Pointing): readonly Pointers[] {
  const places = new Map<string, number[]>()
  for (const [at, { arrival }] of rows.entries()) {
    const text = arrival[POINTING[to]]
    if (text === undefined) continue
    const known = places.get(text)
    if (known) known.push(at)
    else places.set(text, [at])
  }
  return Array.from(places, ([text, ats]) => ({ text: digest(text), ats })).sort((a, b) =>
    Buffer.compare(a.text, b.text),
  )
}

type Keyed = Pick<NewRow, 'arrival'>

/** Those with the same key stay in their order. */
function byKey({ arrival: { key: one } }: Keyed, { arrival: { key: other } }: Keyed): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

const without = (rows: readonly NewRow[], some: ReadonlySet<NewRow>): readonly NewRow[] =>
  rows.filter((row) => !some.has(row))

function newRow(arrival: Arrival, index: number): NewRow {
  return { arrival, id: encodeKey(arrival.key), index }
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
