import type { Refusal } from '../../batch.ts'
import { formatBytes } from '../../lib/units.ts'
import type { Arrival } from '../../review/record.ts'
import type { PutOutcome } from '../store.ts'
import type { Options, Session } from './connect.ts'
import { inParallel } from '../../lib/parallel.ts'
import { newVersion } from './parts.ts'
import { insertInto, type Pointers } from './pointers.ts'
import { COLUMNS, type NewRow, placesOf, rowOf } from './row.ts'
import type { Rows } from './rows.ts'

/** So much of a call is written at a time. */
const MOST_ROWS = 1_000
const MOST_BYTES = 16 * 1024 * 1024
/** It is held in memory as a whole. */
export const MAX_RAW_BYTES = 256 * 1024 * 1024

const INSERT = insertInto('reviews', COLUMNS)

export type Put = (arrivals: readonly Arrival[], options: Options) => Promise<readonly PutOutcome[]>

/**
 * Looks which keys are there, points to the others, writes their rows, and looks whose were kept. No row is there without what
 * points to it, and nothing is called stored that was not seen in its place afterwards.
 */
export function openPut(session: Session, rows: Rows, pointers: Pointers, clock: () => number): Put {
  /** Resolves to whether each was kept, and not another write of its key at the same time. */
  async function write(arrivals: readonly Arrival[], options: Options): Promise<readonly boolean[]> {
    const news = arrivals.map((arrival) => ({ arrival, row: rowOf(arrival, clock()) }))
    const places = news.map(({ row }) => row.places)
    await pointers.add(places, options)
    await inParallel(news, ({ row }) => insert(row, options))
    const kept = await rows.writeTimes(
      news.map(({ row }) => row.key),
      options,
    )
    return inParallel(news, async ({ arrival, row }) => {
      const time = kept.get(row.key)
      if (time === row.writtenAt) return true
      if (time === undefined) return writeOverErasure(arrival, options)
      await withdraw(row, row.writtenAt, options)
      return false
    })
  }

  /** What was deleted just before makes the row one write's alone, without columns of a later write that only that one has. */
  async function insert(row: NewRow, options: Options): Promise<void> {
    await rows.parts.write(row.key, row.writtenAt, row.large, options)
    await session.together(
      [
        {
          query: 'DELETE FROM reviews USING TIMESTAMP ? WHERE key = ?',
          params: [row.writtenAt - 1n, row.key],
        },
        { query: `${INSERT} USING TIMESTAMP ?`, params: [...valuesOf(row), row.writtenAt] },
      ],
      options,
    )
  }

  /**
   * Where the row is not there after it was written, it was erased before: that deletion is newer than any first write. A
   * lightweight transaction is newer still. What the erasure took away may have been our own pointers.
   */
  async function writeOverErasure(arrival: Arrival, options: Options): Promise<boolean> {
    const version = newVersion()
    const row = rowOf(arrival, clock(), version)
    await rows.parts.write(row.key, version, row.large, options)
    await pointers.add([row.places], options)
    const isWritten = await session.decide(`${INSERT} IF NOT EXISTS`, valuesOf(row), options)
    if (!isWritten) await withdraw(row, version, options)
    return isWritten
  }

  /** Another write of the key was kept: what only this one had is not needed. */
  async function withdraw(row: NewRow, version: bigint, options: Options): Promise<void> {
    const at = await session.now(options)
    const present = await rows.read(row.key, options)
    if (!present) return
    await pointers.remove(row.places, placesOf(present), at, options)
    if (Object.keys(row.large).length > 0) await rows.parts.remove(row.key, version, options)
  }

  return async (arrivals, options) => {
    const outcomes = arrivals.map((arrival): PutOutcome => refusalOf(arrival) ?? 'unchanged')
    const firsts = new Map<string, number>()
    for (const [n, { key }] of arrivals.entries()) {
      if (outcomes[n] === 'unchanged' && !firsts.has(key)) firsts.set(key, n)
    }
    const there = await rows.writeTimes([...firsts.keys()], options)
    const fresh = [...firsts].flatMap(([key, n]) => {
      const arrival = arrivals[n]
      return arrival && !there.has(key) ? [{ n, arrival }] : []
    })
    for (const chunk of chunksOf(fresh)) {
      const kept = await write(
        chunk.map(({ arrival }) => arrival),
        options,
      )
      for (const [index, { n }] of chunk.entries()) if (kept[index]) outcomes[n] = 'stored'
    }
    return outcomes
  }
}

const valuesOf = ({ columns }: NewRow): readonly unknown[] => COLUMNS.map((column) => columns[column] ?? null)

function refusalOf({ received: { raw } }: Arrival): Refusal | undefined {
  if (raw.length <= MAX_RAW_BYTES) return undefined
  const message = `raw has ${formatBytes(raw.length)}, and this store takes ${formatBytes(MAX_RAW_BYTES)}`
  return { code: 'too_large', message }
}

function* chunksOf<T extends { readonly arrival: Arrival }>(items: readonly T[]): Generator<readonly T[]> {
  let chunk: T[] = []
  let bytes = 0
  for (const item of items) {
    chunk.push(item)
    bytes += item.arrival.received.raw.length
    if (chunk.length < MOST_ROWS && bytes < MOST_BYTES) continue
    yield chunk
    chunk = []
    bytes = 0
  }
  if (chunk.length > 0) yield chunk
}
