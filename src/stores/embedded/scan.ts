import { setImmediate as nextTurn } from 'node:timers/promises'
import { HeadwaterError } from '../../errors.ts'
import { gatherSteps, type Step } from '../gathering.ts'
import type { Page, Scan } from '../store.ts'
import { digest, type Pointing, pointersFrom } from './pointers.ts'
import type { Place, Rows } from './rows.ts'
import { decodeNumber, readState, type StoreEnvironment } from './tables.ts'

const INDEX_PAGE = 500

/** Nothing is held between two steps: each looks its row up again, by number or by index entry. */
export async function* scanStore(
  environment: StoreEnvironment,
  rows: Rows,
  scan: Scan,
): AsyncGenerator<Page> {
  scan.signal?.throwIfAborted()
  environment.refresh()
  yield* gatherSteps(steps(environment, rows, scan), scan)
}

function steps(environment: StoreEnvironment, rows: Rows, scan: Scan): AsyncGenerator<readonly Step[]> {
  switch (scan.by) {
    case 'time':
      return byTime(environment, rows, scan)
    case 'product':
      return byPointer(environment, rows, 'products', scan.product, scan)
    case 'cluster':
      return byPointer(environment, rows, 'clusters', scan.cluster, scan)
    case 'review':
      return byReview(environment, rows, scan)
  }
}

/** Follows the row numbers up to the last row there was at the beginning. */
async function* byTime(
  { tables }: StoreEnvironment,
  rows: Rows,
  scan: Scan,
): AsyncGenerator<readonly Step[]> {
  const end = readState(tables).next
  let number = nextNumber(scan.after)
  while (number < end) {
    const met = rows.behind(number, (place) => meets(place, scan))
    if (met > number) {
      number = met
      yield [{ position: String(number - 1) }]
      await nextTurn()
    }
    const found = rows.from(number, INDEX_PAGE)
    if (!found) return
    const run = 'header' in found ? await rows.load(found.first) : found.rows
    for (const row of run.slice(Math.max(0, number - found.first))) {
      number = Math.max(number, found.first)
      yield [{ position: String(number), record: rows.present(row) }]
      number++
    }
  }
}

async function* byPointer(
  { tables }: StoreEnvironment,
  rows: Rows,
  to: Pointing,
  text: string,
  scan: Scan,
): AsyncGenerator<readonly Step[]> {
  const end = readState(tables).next
  /** The rows below this one lie in blocks of which it is known whether they meet the scan. */
  let looked = 0
  /** And those below this one in blocks that don't. */
  let unmet = 0
  for (const number of pointersFrom(tables[to], digest(text), nextNumber(scan.after), end)) {
    if (number >= looked) {
      const met = rows.behind(number, (place) => meets(place, scan))
      const block = rows.blockOf(met)
      looked = block ? block.first + block.header.rows : met + 1
      unmet = met
    }
    if (number >= unmet) yield [{ position: String(number), record: await rows.read(number) }]
  }
}

/** The history of one review is short: its row numbers are sorted in memory. */
async function* byReview(
  { tables }: StoreEnvironment,
  rows: Rows,
  scan: Scan & { readonly by: 'review' },
): AsyncGenerator<readonly Step[]> {
  const half = Buffer.from(scan.half, 'hex')
  const range = { start: half, end: Buffer.concat([half, ABOVE]) }
  const numbers = Array.from(tables.keys.getRange(range), ({ value }) => decodeNumber(value))
  const times: (readonly [number, number])[] = []
  for (const number of numbers) {
    const record = await rows.read(number)
    if (record) times.push([record.received.receivedAt, number])
  }
  const after = parseHistoryPosition(scan.after)
  for (const [time, number] of times.toSorted(ascending)) {
    if (after && ascending([time, number], after) <= 0) continue
    yield [{ position: `${time} ${number}`, record: await rows.read(number) }]
  }
}

/** Sorts after every key that begins with the same half. */
const ABOVE = Buffer.alloc(9, 0xff)

function ascending(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1]
}

function meets({ header }: Place, { from = -Infinity, to = Infinity }: Scan): boolean {
  return header.latest >= from && header.earliest < to
}

function nextNumber(after: string | undefined): number {
  if (after === undefined) return 0
  if (!/^\d{1,15}$/.test(after)) throw unknownPosition(after)
  return Number(after) + 1
}

function parseHistoryPosition(after: string | undefined): readonly [number, number] | undefined {
  if (after === undefined) return undefined
  const [, time, number] = /^(-?[\d.]+) (\d{1,15})$/.exec(after) ?? []
  if (time === undefined || number === undefined) throw unknownPosition(after)
  return [Number(time), Number(number)]
}

function unknownPosition(after: string): HeadwaterError {
  return new HeadwaterError(
    'POSITION_UNKNOWN',
    `a scan gave out no position "${after}"; begin it again without one`,
  )
}
