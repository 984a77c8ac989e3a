import { findableBy, type Verdict } from '../../review/verdict.ts'
import { type Block, dated, encodeBlock, encodeHeader } from './block.ts'
import { addPointers, digest, POINTING, POINTINGS, removePointer } from './pointers.ts'
import { decodeRow, ERASED, isErased } from './row.ts'
import type { Rows } from './rows.ts'
import {
  amendmentOf,
  deadLetterBytesOf,
  encodeKey,
  encodeNumber,
  numberOf,
  putAmendment,
  readState,
  type StoreEnvironment,
  writeState,
} from './tables.ts'

export interface Changes {
  amend(key: string, revision: number, verdict: Verdict): Promise<boolean>
  erase(keys: readonly string[], signal?: AbortSignal): Promise<void>
}

/** Everything that happens to rows after they were stored. */
export function openChanges({ tables, refresh, write }: StoreEnvironment, rows: Rows): Changes {
  async function amend(key: string, revision: number, verdict: Verdict): Promise<boolean> {
    refresh()
    const number = numberOf(tables, key)
    const stored = number === undefined ? undefined : await rows.read(number)
    if (number === undefined || stored?.revision !== revision) return false
    return write(() => {
      const isSame = numberOf(tables, key) === number && revisionOf(key) === revision
      if (!isSame) return false
      putAmendment(tables, key, { revision: revision + 1, verdict })
      countDeadLetters(
        deadLetterBytesOf(stored.received, verdict.status) -
          deadLetterBytesOf(stored.received, stored.verdict.status),
      )
      removePointers(stored.verdict, number)
      for (const to of POINTINGS) {
        const text = findableBy(verdict)[POINTING[to]]
        if (text !== undefined) addPointers(tables[to], digest(text), [number])
      }
      return true
    })
  }

  function revisionOf(key: string): number {
    return amendmentOf(tables, key)?.revision ?? 0
  }

  function removePointers(verdict: Verdict, number: number): void {
    for (const to of POINTINGS) {
      const text = findableBy(verdict)[POINTING[to]]
      if (text !== undefined) removePointer(tables[to], digest(text), number)
    }
  }

  /** Somebody else may change a block or seal the tail meanwhile: what is still there then is taken up again. */
  async function erase(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    for (let numbers = present(keys); numbers.length > 0; numbers = present(keys)) {
      for (const [first, group] of byPlace(numbers)) {
        signal?.throwIfAborted()
        await (first === undefined ? eraseFromTail(group) : eraseFromBlock(first, group))
      }
    }
  }

  function present(keys: readonly string[]): readonly number[] {
    refresh()
    return keys.flatMap((key) => numberOf(tables, key) ?? [])
  }

  /** By the first row of their block; those of the tail by nothing. */
  function byPlace(numbers: readonly number[]): ReadonlyMap<number | undefined, readonly number[]> {
    return Map.groupBy(numbers, (number) => rows.blockOf(number)?.first)
  }

  function eraseFromTail(numbers: readonly number[]): Promise<void> {
    return write(() => {
      let bytes = 0
      for (const number of numbers) {
        const row = tables.tail.get(encodeNumber(number))
        if (!row || isErased(row)) continue
        removeEntries(row, number)
        tables.tail.putSync(encodeNumber(number), ERASED)
        bytes += row.length - ERASED.length
      }
      countErasure(bytes)
    })
  }

  async function eraseFromBlock(first: number, numbers: readonly number[]): Promise<void> {
    const { erasures } = readState(tables)
    const old = await rows.load(first)
    const gone = new Set(numbers)
    const block: Block = await encodeBlock(
      old.map((row, index) => dated(gone.has(first + index) ? ERASED : row)),
    )
    await write(() => {
      if (readState(tables).erasures !== erasures) return
      for (const number of numbers) {
        const row = old[number - first]
        if (row && !isErased(row)) removeEntries(row, number)
      }
      tables.blocks.putSync(encodeNumber(first), encodeHeader(block.header))
      tables.payloads.putSync(encodeNumber(first), block.payload)
      countErasure(0)
    })
  }

  function removeEntries(row: Buffer, number: number): void {
    const { key, received, verdict } = decodeRow(row)
    const present = amendmentOf(tables, key)?.verdict ?? verdict
    removePointers(present, number)
    countDeadLetters(-deadLetterBytesOf(received, present.status))
    tables.verdicts.removeSync(encodeKey(key))
    tables.keys.removeSync(encodeKey(key))
  }

  function countDeadLetters(bytes: number): void {
    const state = readState(tables)
    if (bytes !== 0) writeState(tables, { ...state, deadLetterBytes: state.deadLetterBytes + bytes })
  }

  function countErasure(tailBytes: number): void {
    const state = readState(tables)
    writeState(tables, {
      ...state,
      erasures: state.erasures + 1,
      tailBytes: state.tailBytes - tailBytes,
    })
  }

  return { amend, erase }
}
