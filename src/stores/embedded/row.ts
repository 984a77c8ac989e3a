import { hash } from 'node:crypto'
import { HeadwaterError } from '../../errors.ts'
import { decodeHead, encodeHead, receivedAtOf as timeInHead } from '../../event.ts'
import type { ReviewRecord } from '../../review/record.ts'
import type { Stored } from '../store.ts'

/** A row: [u32 length of the head][u32 length of raw][the head of the event that brought it][raw: the very bytes]. */
const LENGTHS_BYTES = 8

/** Stands in the place of a row whose bytes are gone, so that the rows after it keep their numbers. */
export const ERASED: Buffer = Buffer.alloc(LENGTHS_BYTES)

export function isErased(row: Buffer): boolean {
  return row.length === LENGTHS_BYTES
}

export function encodeRow(record: ReviewRecord): Buffer {
  const head = encodeHead(record)
  const { raw } = record.received
  const row = Buffer.allocUnsafe(LENGTHS_BYTES + head.length + raw.length)
  row.writeUInt32BE(head.length, 0)
  row.writeUInt32BE(raw.length, 4)
  row.set(head, LENGTHS_BYTES)
  row.set(raw, LENGTHS_BYTES + head.length)
  return row
}

/** The record as it was first stored. Its raw has a memory of its own, so that keeping it keeps nothing else. */
export function decodeRow(row: Buffer): Stored {
  const raw = Buffer.from(row.subarray(LENGTHS_BYTES + row.readUInt32BE(0)))
  try {
    return { ...decodeHead(headOf(row), raw), revision: 0 }
  } catch (cause) {
    const message = `a stored row has no head that can be read: ${String(cause)}`
    throw new HeadwaterError('DATA_CORRUPT', message, { cause })
  }
}

/** When a row was received; nothing for an erased one. */
export function receivedAtOf(row: Buffer): number | undefined {
  return isErased(row) ? undefined : timeInHead(headOf(row))
}

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
