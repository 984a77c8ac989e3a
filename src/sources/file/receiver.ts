import { parseRecord } from '../../lib/csv.ts'
import type { Slice } from '../../lib/slicer.ts'
import type { Context, Piece, Received } from '../../review/received.ts'
import type { SourceContext } from '../source.ts'
import { type Framing, hasRows, isQuoted } from './framing.ts'

/** Makes what is received out of the documents or rows of one file. */
export interface Receiver {
  receive(slice: Slice, framing: Framing | undefined): Iterable<Received>
  /** The header of a CSV, once it was read. */
  readonly columns: string[] | undefined
  /** Documents or rows so far, those of earlier runs included. */
  readonly items: number
}

/** What an earlier run knew. With its columns, the first row that comes is no header. */
export interface Known {
  readonly items: number
  readonly columns?: string[] | undefined
}

export function createReceiver(from: string, source: SourceContext, known: Known): Receiver {
  const { name, origin, clock, split } = source
  let { items, columns } = known

  function received({ raw, ...told }: Piece, about: Partial<Context> = {}): Received {
    const context = { source: name, kind: 'file', from, position: items, ...told, ...about }
    return { origin, receivedAt: clock(), raw, context }
  }

  function* documents({ raw, unreadable }: Slice): Generator<Received> {
    items++
    if (unreadable !== undefined) yield received({ raw, unreadable })
    else for (const piece of split(raw)) yield received(piece)
  }

  function* rows({ raw, unreadable }: Slice, framing: Framing): Generator<Received> {
    const { delimiter } = framing
    if (unreadable !== undefined) {
      items++
      yield received({ raw, unreadable }, columns && { columns, delimiter })
      return
    }
    const fields = parseRecord(raw, delimiter, isQuoted(framing))
    if (columns === undefined) {
      columns = fields.map((field, n) => (field === '' ? `column_${n + 1}` : field))
      return
    }
    items++
    const isWhole = fields.length === columns.length
    const why = `expected ${columns.length} fields, found ${fields.length}`
    yield received({ raw, ...(!isWhole && { unreadable: why }) }, { columns, delimiter })
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
