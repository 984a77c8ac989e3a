import { HeadwaterError } from '../../errors.ts'
import { isGenuine } from '../../review/genuine.ts'
import { findableBy } from '../../review/verdict.ts'
import type { Damage, Stored } from '../store.ts'
import type { Table } from './environment.ts'
import { pagesOf, type TableEntry } from './paging.ts'
import { digest, digestIn, isPointedTo, POINTING, type Pointing, rowsIn } from './pointers.ts'
import { keysOfRows, type Place, type Rows } from './rows.ts'
import { deadLetterBytesOf, decodeNumber, numberOf, readState, type StoreEnvironment } from './tables.ts'

const RUN_ROWS = 500
const INDEX_PAGE = 5_000
const INDEXES: readonly Index[] = ['keys', 'products', 'clusters']

type Index = 'keys' | Pointing

/**
 * Looks at every row and whether the indexes lead to it. Whether they hold anything else shows in their size: only where
 * that differs are their entries followed one by one. A store may be written to meanwhile: what looks wrong is
 * looked at again before it is called so.
 */
export async function* checkStore(
  environment: StoreEnvironment,
  rows: Rows,
  signal?: AbortSignal,
): AsyncGenerator<Damage> {
  const { tables, refresh, folder, fault } = environment
  const broken = fault()
  // Going on would end this process: the database trusts its pages.
  if (broken !== undefined) return yield { problem: `${folder}: ${broken}`, keys: [] }
  refresh()
  const end = readState(tables).next
  const tally: Record<Index, number> = { keys: 0, products: 0, clusters: 0 }
  const before = readState(tables)
  let deadLetterBytes = 0
  const unreadable: Place[] = []

  for (let number = 0; number < end; ) {
    signal?.throwIfAborted()
    const found = rows.from(number, RUN_ROWS)
    if (!found) break
    if (!('header' in found)) {
      yield* checkRun(found.first, found.rows)
      number = found.first + found.rows.length
      continue
    }
    const block = await rows.load(found.first).catch(damageOrThrow)
    if (block instanceof HeadwaterError) {
      unreadable.push(found)
      yield { problem: block.message, keys: await keysOfRows(tables, found.first, found.header.rows) }
    } else yield* checkRun(found.first, block)
    number = found.first + found.header.rows
  }

  for (const index of INDEXES) {
    if ((await entriesBelow(tables[index], index, end)) !== tally[index]) yield* followAll(index, signal)
  }
  yield* checkAmendments()
  refresh()
  const after = readState(tables)
  const isQuiet = after.next === before.next && after.deadLetterBytes === before.deadLetterBytes
  if (isQuiet && unreadable.length === 0 && deadLetterBytes !== after.deadLetterBytes) {
    const problem = `dead letters have ${deadLetterBytes} bytes of raw, and ${after.deadLetterBytes} are counted`
    yield { problem, keys: [] }
  }

  async function* checkRun(first: number, run: readonly Buffer[]): AsyncGenerator<Damage> {
    const damaged = new Map<string, string[]>()
    for (const [index, row] of run.entries()) {
      if (first + index >= end || (isSound(row, first + index) ?? true)) continue
      for (const [problem, key] of await problemsOf(first + index)) {
        damaged.set(problem, [...(damaged.get(problem) ?? []), key])
      }
    }
    for (const [problem, keys] of damaged) yield { problem, keys }
  }

  /** Counts the entries that lead to a row. Nothing is said of an erased row. */
  function isSound(row: Buffer, number: number): boolean | undefined {
    try {
      const record = rows.present(row)
      if (!record) return undefined
      const missing = missingFor(record, number)
      deadLetterBytes += deadLetterBytesOf(record.received, record.verdict.status)
      for (const index of indexesFor(record)) if (!missing.includes(index)) tally[index]++
      return missing.length === 0 && isGenuine(record)
    } catch (error) {
      damageOrThrow(error)
      return false
    }
  }

  async function problemsOf(number: number): Promise<readonly (readonly [string, string])[]> {
    refresh()
    try {
      const record = await rows.read(number)
      return record ? problemsIn(record, number).map((problem) => [problem, record.key] as const) : []
    } catch (error) {
      const { message } = damageOrThrow(error)
      const keys = await keysOfRows(tables, number, 1)
      return keys.map((key) => [`row ${number} can't be read: ${message}`, key] as const)
    }
  }

  function problemsIn(record: Stored, number: number): readonly string[] {
    const missing = missingFor(record, number).map(
      (index) => `the index of ${index} does not lead to the row`,
    )
    return isGenuine(record) ? missing : [...missing, 'the raw bytes are not those that were received']
  }

  function missingFor(record: Stored, number: number): readonly Index[] {
    const findable = findableBy(record.verdict)
    return indexesFor(record).filter((index) => {
      if (index === 'keys') return numberOf(tables, record.key) !== number
      return !isPointedTo(tables[index], digest(findable[POINTING[index]] ?? ''), number)
    })
  }

  /** Entries without their row. Blocks that can't be read were named before. */
  async function* followAll(index: Index, signal?: AbortSignal): AsyncGenerator<Damage> {
    for await (const page of pagesOf(tables[index], INDEX_PAGE)) {
      signal?.throwIfAborted()
      const keys: string[] = []
      let astray = 0
      const leadings = page.flatMap(({ key, value }) =>
        numbersIn(index, { key, value }).map((number) => ({ key, number })),
      )
      for (const { key, number } of leadings.toSorted((a, b) => a.number - b.number)) {
        if (await leads(index, key, number)) continue
        refresh()
        const value = tables[index].get(key)
        const isThere = value !== undefined && numbersIn(index, { key, value }).includes(number)
        if (!isThere || (await leads(index, key, number))) continue
        astray++
        if (index === 'keys') keys.push(key.toString('hex'))
      }
      if (astray > 0)
        yield { problem: `${astray} entries of the index of ${index} lead to no such row`, keys }
    }
  }

  async function leads(index: Index, key: Buffer, number: number): Promise<boolean> {
    if (unreadable.some(({ first, header }) => number >= first && number < first + header.rows)) return true
    try {
      const record = await rows.read(number)
      if (!record) return false
      if (index === 'keys') return record.key === key.toString('hex')
      const text = findableBy(record.verdict)[POINTING[index]]
      return text !== undefined && digest(text).equals(digestIn(key))
    } catch (error) {
      damageOrThrow(error)
      return true
    }
  }

  async function* checkAmendments(): AsyncGenerator<Damage> {
    for await (const page of pagesOf(tables.verdicts, INDEX_PAGE)) {
      const keys = page.map(({ key }) => key.toString('hex'))
      const orphans = keys.filter((key) => numberOf(tables, key) === undefined)
      if (orphans.length > 0) yield { problem: 'a verdict without its row', keys: orphans }
    }
  }
}

async function entriesBelow(table: Table, index: Index, end: number): Promise<number> {
  let count = 0
  for await (const page of pagesOf(table, INDEX_PAGE)) {
    for (const entry of page) count += numbersIn(index, entry).filter((number) => number < end).length
  }
  return count
}

function numbersIn(index: Index, entry: TableEntry): readonly number[] {
  return index === 'keys' ? [decodeNumber(entry.value)] : rowsIn(entry)
}

function indexesFor({ verdict }: Stored): readonly Index[] {
  const findable = findableBy(verdict)
  return INDEXES.filter((index) => index === 'keys' || findable[POINTING[index]] !== undefined)
}

function damageOrThrow(error: unknown): HeadwaterError {
  if (error instanceof HeadwaterError && error.code === 'DATA_CORRUPT') return error
  throw error
}
