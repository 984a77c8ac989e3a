import { countFields, parseRecord } from '../../lib/csv.ts'
import type { Slice } from '../../lib/slicer.ts'
import type { Context, Piece, Received } from '../../review/received.ts'
import type { SourceContext } from '../source.ts'
import { type Framing, hasRows, isQuoted } from './framing.ts'

/** Makes what is received out of the documents or rows of one file. */
export interface Receiver {
  receive(slice: Slice, framing: Framing | undefined): Iterable<Received>
  /** The header of a CSV, once it was read; never, where that can't be. */
  readonly columns: string[] | undefined
  /** Documents or rows so far, those of earlier runs included. */
  readonly items: number
}

/** What an earlier run knew. Behind the beginning of a file no row is a header, even where no columns are known. */
export interface Known {
  readonly offset: number
  readonly items: number
  readonly columns?: string[] | undefined
}

/** The header goes with every row, into its message and its record: a larger one would multiply the size of the file. */
const MAX_COLUMNS = 1_000
const MAX_HEADER_BYTES = 64 * 2 ** 10

export function createReceiver(from: string, source: SourceContext, known: Known): Receiver {
  const { name, origin, clock, split } = source
  let { items, columns } = known
  let isBeginning = known.offset === 0

  function received({ raw, ...told }: Piece, about: Partial<Context> = {}): Received {
    const context = { source: name, kind: 'file', from, position: items, ...told, ...about }
    return { origin, receivedAt: clock(), raw, context }
  }

  function* documents({ raw, unreadable }: Slice): Generator<Received> {
    items++
    if (unreadable !== undefined) yield received({ raw, unreadable })
    else for (const piece of split(raw)) yield received(piece)
  }

  function* rows(slice: Slice, framing: Framing): Generator<Received> {
    const { raw } = slice
    const isHeader = isBeginning
    isBeginning = false
    const unreadable = isHeader ? faultOfHeader(slice, framing) : faultOfRow(slice, framing)
    if (isHeader && unreadable === undefined) {
      columns = fieldsOf(raw, framing).map((field, n) => (field === '' ? `column_${n + 1}` : field))
      return
    }
    items++
    const about = columns && { columns, delimiter: framing.delimiter }
    yield received({ raw, ...(unreadable !== undefined && { unreadable }) }, about)
  }

  function faultOfRow({ raw, unreadable }: Slice, framing: Framing): string | undefined {
    if (unreadable !== undefined) return unreadable
    if (columns === undefined)
      return 'expected a row under a header, found a file whose header can not be read'
    const count = countFields(raw, framing.delimiter, isQuoted(framing))
    return count === columns.length ? undefined : `expected ${columns.length} fields, found ${count}`
  }

  return {
    receive: (slice, framing) => (framing && hasRows(framing) ? rows(slice, framing) : documents(slice)),
    get columns() {
      return columns
    },
    get items() {
      return items
    },
  }
}

/** Why a first line can't be a header. */
function faultOfHeader({ raw, unreadable }: Slice, framing: Framing): string | undefined {
  if (unreadable !== undefined) return unreadable
  if (raw.length > MAX_HEADER_BYTES) {
    return `expected a header of at most ${MAX_HEADER_BYTES} bytes, found ${raw.length}`
  }
  const { length } = fieldsOf(raw, framing)
  return length > MAX_COLUMNS
    ? `expected a header of at most ${MAX_COLUMNS} columns, found ${length}`
    : undefined
}

const fieldsOf = (raw: Buffer, framing: Framing): string[] =>
  parseRecord(raw, framing.delimiter, isQuoted(framing))
