import { HeadwaterError } from '../../errors.ts'
import { decodeHead, receivedAtOf as timeInHead } from '../../event.ts'
import type { Arrival } from '../../review/record.ts'
import type { Stored } from '../store.ts'

/**
 * A row: [u32 length of time and head][u32 length of raw][u32 place][u48 when it was written, in milliseconds since 1970]
 * [the head of the event that brought it][raw: the very bytes]. Where raw stands in the head as well, which is so for a review
 * that needed no change, it was taken out of it at `place`. A row that was written in format 1 has no time before its head.
 */
const LENGTHS_BYTES = 12
const TIME_BYTES = 6
/** What every head begins with, and no time before the year 6000. */
const BRACE = 0x7b
/** The place in a head that has no raw in it. */
const NOWHERE = 0xff_ff_ff_ff

/** Stands in the place of a row whose bytes are gone, so that the rows after it keep their numbers. */
export const ERASED: Buffer = Buffer.alloc(LENGTHS_BYTES)

export function isErased(row: Buffer): boolean {
  return row.length === LENGTHS_BYTES
}

/** Rows that are stored at one time, one after the other in one memory of their own, each with when it was received. */
export function encodeRows(arrivals: readonly RowSource[], storedAt: number) {
  const places = arrivals.map(placeOf)
  const ends = endsOf(arrivals, places)
  const memory = Buffer.allocUnsafeSlow(ends.at(-1) ?? 0)
  return arrivals.map((arrival, n) => {
    const bytes = memory.subarray(ends[n - 1] ?? 0, ends[n])
    write(bytes, arrival, storedAt, places[n])
    return { bytes, receivedAt: arrival.received.receivedAt }
  })
}

type RowSource = Pick<Arrival, 'head' | 'received'>

function endsOf(arrivals: readonly RowSource[], places: readonly number[]): readonly number[] {
  let end = 0
  return arrivals.map((arrival, n) => {
    end += LENGTHS_BYTES + TIME_BYTES + headLengthOf(arrival, places[n]) + arrival.received.raw.length
    return end
  })
}

function write(row: Buffer, arrival: RowSource, storedAt: number, place = NOWHERE): void {
  const { head, received } = arrival
  const { raw } = received
  const headLength = headLengthOf(arrival, place)
  const headAt = LENGTHS_BYTES + TIME_BYTES
  row.writeUInt32BE(TIME_BYTES + headLength, 0)
  row.writeUInt32BE(raw.length, 4)
  row.writeUInt32BE(place, 8)
  row.writeUIntBE(storedAt, LENGTHS_BYTES, TIME_BYTES)
  if (place === NOWHERE) row.set(head, headAt)
  else {
    head.copy(row, headAt, 0, place)
    head.copy(row, headAt + place, place + raw.length)
  }
  row.set(raw, headAt + headLength)
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
  const raw = Buffer.from(row.subarray(rawAtOf(row)))
  const place = row.readUInt32BE(8)
  const kept = headOf(row)
  const head = place === NOWHERE ? kept : Buffer.concat([kept.subarray(0, place), raw, kept.subarray(place)])
  try {
    return { ...decodeHead(head, raw), revision: 0, ...(hasTime(row) && { storedAt: storedAtOf(row) }) }
  } catch (cause) {
    const message = `a stored row has no head that can be read: ${String(cause)}`
    throw new HeadwaterError('DATA_CORRUPT', message, { cause })
  }
}

/** When a row was received; nothing for an erased one. */
export function receivedAtOf(row: Buffer): number | undefined {
  return isErased(row) ? undefined : timeInHead(headOf(row))
}

/** The head, perhaps with raw taken out, which stands behind the time it was received at. */
const headOf = (row: Buffer): Buffer =>
  row.subarray(LENGTHS_BYTES + (hasTime(row) ? TIME_BYTES : 0), rawAtOf(row))

const rawAtOf = (row: Buffer): number => LENGTHS_BYTES + row.readUInt32BE(0)
const hasTime = (row: Buffer): boolean => row[LENGTHS_BYTES] !== BRACE
const storedAtOf = (row: Buffer): number => row.readUIntBE(LENGTHS_BYTES, TIME_BYTES)

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
