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
import { addPointers, digest, POINTING, type Pointing } from './pointers.ts'
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
/** So many are looked up before it is tried. */
const SAMPLE = 4

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
 * Adds rows. What is costly is done before the write: rows are laid out and compressed as if they all were new. Where one
 * turns out not to be, they are looked up, and the rest is written.
 */
export function openWriter({ tables, refresh, write }: StoreEnvironment): Writer {
  let sealing: Promise<void> | undefined

  async function put(arrivals: readonly Arrival[], signal?: AbortSignal): Promise<readonly PutOutcome[]> {
    refresh()
    if (isFull(readState(tables))) await (sealing ??= seal().finally(() => (sealing = undefined)))
    let rows = encodeRows(arrivals).map(newRow)
    // What came before comes again as a whole, most often.
    if (rows.slice(0, SAMPLE).some(isKnown)) rows = unknown(rows)
    while (rows.length > 0 && !(await add(rows, signal))) {
      refresh()
      rows = unknown(rows)
    }
    const outcomes = arrivals.map((): PutOutcome => 'unchanged')
    for (const { index } of rows) outcomes[index] = 'stored'
    return outcomes
  }

  /** The first of each key that has no row yet. */
  function unknown(rows: readonly NewRow[]): NewRow[] {
    const seen = new Set<string>()
    return rows.filter((row) => {
      const isNew = !seen.has(row.arrival.key) && !isKnown(row)
      seen.add(row.arrival.key)
      return isNew
    })
  }

  const isKnown = ({ id }: Pick<NewRow, 'id'>): boolean => tables.keys.doesExist(id)

  /** Writes all rows, or nothing where one of them is known or there twice. */
  async function add(rows: readonly NewRow[], signal?: AbortSignal): Promise<boolean> {
    const entries = indexEntries(rows)
    if (entries.hasTwins) return false
    const blocks = isBlockWorthy(rows) ? await encodeBlocks(rows) : undefined
    signal?.throwIfAborted()
    return write(() => {
      // Looked at before anything is put: see docs/decisions/0006.
      const isNew = !entries.keys.some(isKnown)
      if (isNew) append(rows, entries, blocks)
      return isNew
    })
  }

  function append(rows: readonly NewRow[], entries: IndexEntries, blocks?: readonly Block[]): void {
    const state = readState(tables)
    putEntries(entries, state.next)
    if (blocks) putBlocks(blocks, state.next)
    else rows.forEach(({ bytes }, at) => tables.tail.putSync(encodeNumber(state.next + at), bytes))
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
  }

  function putBlocks(blocks: readonly Block[], first: number): void {
    let number = first
    for (const { header, payload } of blocks) {
      tables.blocks.putSync(encodeNumber(number), encodeHeader(header))
      tables.payloads.putSync(encodeNumber(number), payload)
      number += header.rows
    }
  }

  function putEntries({ keys, products, clusters }: IndexEntries, first: number): void {
    for (const { id, at } of keys) tables.keys.putSync(id, encodeNumber(first + at))
    for (const { text, ats } of products)
      addPointers(
        tables.products,
        text,
        ats.map((at) => first + at),
      )
    for (const { text, ats } of clusters)
      addPointers(
        tables.clusters,
        text,
        ats.map((at) => first + at),
      )
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

function isBlockWorthy(rows: readonly NewRow[]): boolean {
  return (
    rows.length >= BLOCK_WORTHY_ROWS ||
    rows.reduce((sum, { bytes }) => sum + bytes.length, 0) >= MAX_BLOCK_BYTES
  )
}

/** In the order of their bytes, which spares the indexes from jumping about; `at` counts from the first new row. */
interface IndexEntries extends Readonly<Record<Pointing, readonly Pointers[]>> {
  readonly keys: readonly { readonly id: Buffer; readonly at: number }[]
  /** Whether a key is there twice. */
  readonly hasTwins: boolean
}

/** What one text leads to; `text` is its digest. */
interface Pointers {
  readonly text: Buffer
  readonly ats: readonly number[]
}

function indexEntries(rows: readonly NewRow[]): IndexEntries {
  const keys = rows.map(({ arrival, id }, at) => ({ key: arrival.key, id, at }))
  keys.sort((a, b) => (a.key < b.key ? -1 : 1))
  return {
    keys,
    hasTwins: keys.some(({ key }, n) => n > 0 && key === keys[n - 1]?.key),
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

function newRow({ arrival, bytes }: Pick<NewRow, 'arrival' | 'bytes'>, index: number): NewRow {
  const { key, received } = arrival
  return { arrival, id: encodeKey(key), index, bytes, receivedAt: received.receivedAt }
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
