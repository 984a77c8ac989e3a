import { hash } from 'node:crypto'
import { HeadwaterError } from '../../errors.ts'
import { decodeHead, receivedAtOf as timeInHead } from '../../event.ts'
import type { Arrival } from '../../review/record.ts'
import type { Stored } from '../store.ts'

/**
 * A row: [u32 length of the head][u32 length of raw][u32 place][the head of the event that brought it][raw: the very bytes].
 * Where raw stands in the head as well, which is so for a review that needed no change, it was taken out of it at `place`.
 */
const LENGTHS_BYTES = 12
/** The place in a head that has no raw in it. */
const NOWHERE = 0xff_ff_ff_ff

/** Stands in the place of a row whose bytes are gone, so that the rows after it keep their numbers. */
export const ERASED: Buffer = Buffer.alloc(LENGTHS_BYTES)

export function isErased(row: Buffer): boolean {
  return row.length === LENGTHS_BYTES
}

/** Rows one after the other in one memory of their own, each with the time at which it was received. */
export function encodeRows(arrivals: readonly RowSource[]) {
  const places = arrivals.map(placeOf)
  const ends = endsOf(arrivals, places)
  const memory = Buffer.allocUnsafeSlow(ends.at(-1) ?? 0)
  return arrivals.map((arrival, n) => {
    const bytes = memory.subarray(ends[n - 1] ?? 0, ends[n])
    write(bytes, arrival, places[n])
    return { bytes, receivedAt: arrival.received.receivedAt }
  })
}

type RowSource = Pick<Arrival, 'head' | 'received'>

function endsOf(arrivals: readonly RowSource[], places: readonly number[]): readonly number[] {
  let end = 0
  return arrivals.map((arrival, n) => {
    end += LENGTHS_BYTES + headLengthOf(arrival, places[n]) + arrival.received.raw.length
    return end
  })
}

function write(row: Buffer, arrival: RowSource, place = NOWHERE): void {
  const { head, received } = arrival
  const { raw } = received
  const headLength = headLengthOf(arrival, place)
  row.writeUInt32BE(headLength, 0)
  row.writeUInt32BE(raw.length, 4)
  row.writeUInt32BE(place, 8)
  if (place === NOWHERE) row.set(head, LENGTHS_BYTES)
  else {
    head.copy(row, LENGTHS_BYTES, 0, place)
    head.copy(row, LENGTHS_BYTES + place, place + raw.length)
  }
  row.set(raw, LENGTHS_BYTES + headLength)
}

function headLengthOf({ head, received: { raw } }: RowSource, place = NOWHERE): number {
  return place === NOWHERE ? head.length : head.length - raw.length
}

/** Where raw stands in the head, as the review. */
function placeOf({ head, received: { raw } }: RowSource): number {
  const review = head.indexOf(REVIEW)
  const place = review + REVIEW.length
  const end = place + raw.length
  return review !== -1 && end <= head.length && head.compare(raw, 0, raw.length, place, end) === 0
    ? place
    : NOWHERE
}

const REVIEW = '"data":{"review":'

/** The record as it was first stored. Its raw has a memory of its own, so that keeping it keeps nothing else. */
export function decodeRow(row: Buffer): Stored {
  const raw = Buffer.from(row.subarray(LENGTHS_BYTES + row.readUInt32BE(0)))
  const place = row.readUInt32BE(8)
  const kept = headOf(row)
  const head = place === NOWHERE ? kept : Buffer.concat([kept.subarray(0, place), raw, kept.subarray(place)])
  try {
    return { ...decodeHead(head, raw), revision: 0 }
  } catch (cause) {
    const message = `a stored row has no head that can be read: ${String(cause)}`
    throw new HeadwaterError('DATA_CORRUPT', message, { cause })
  }
}

/** When a row was received; nothing for an erased one. */
export function receivedAtOf(row: Buffer): number | undefined {
  return isErased(row) ? undefined : timeInHead(headOf(row))
}

/** The head, perhaps with raw taken out, which stands behind the time. */
const headOf = (row: Buffer): Buffer => row.subarray(LENGTHS_BYTES, LENGTHS_BYTES + row.readUInt32BE(0))

/** Cuts rows that lie one after the other. Nothing where they don't end where the bytes do. */
export function splitRows(bytes: Buffer): readonly Buffer[] | undefined {
  const rows: Buffer[] = []
  let at = 0
  while (at + LENGTHS_BYTES <= bytes.length) {
    const end = at + LENGTHS_BYTES + bytes.readUInt32BE(at) + bytes.readUInt32BE(at + 4)
    rows.push(bytes.subarray(at, end))
    at = end
  }
  return at === bytes.length ? rows : undefined
}

export function sha256(raw: Buffer): string {
  return hash('sha256', raw, 'hex')
}
