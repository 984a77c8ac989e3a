import { hash } from 'node:crypto'
import { HeadwaterError } from '../../errors.ts'
import type { Context } from '../../review/received.ts'
import type { LedgerEntry, ReviewRecord } from '../../review/record.ts'
import type { Verdict } from '../../review/verdict.ts'
import type { Stored } from '../store.ts'

/** [u32 length of the head][u32 length of raw][head: JSON][raw: the very bytes]. */
interface Head {
  readonly key: string
  readonly origin: string
  readonly receivedAt: number
  readonly rawHash: string
  readonly ledger?: LedgerEntry
  readonly verdict: Verdict
  readonly context: Context
}

const LENGTHS_BYTES = 8

/** Stands in the place of a row whose bytes are gone, so that the rows after it keep their numbers. */
export const ERASED: Buffer = Buffer.alloc(LENGTHS_BYTES)

export function isErased(row: Buffer): boolean {
  return row.length === LENGTHS_BYTES
}

export function encodeRow({ key, received, verdict, ledger, ...record }: ReviewRecord): Buffer {
  const { origin, receivedAt, raw, context } = received
  const rawHash = record.rawHash ?? sha256(raw)
  const fields: Head = { key, origin, receivedAt, rawHash, ...(ledger && { ledger }), verdict, context }
  const head = JSON.stringify(fields)
  const headBytes = Buffer.byteLength(head)
  const row = Buffer.allocUnsafe(LENGTHS_BYTES + headBytes + raw.length)
  row.writeUInt32BE(headBytes, 0)
  row.writeUInt32BE(raw.length, 4)
  row.write(head, LENGTHS_BYTES)
  row.set(raw, LENGTHS_BYTES + headBytes)
  return row
}

/** The record as it was first stored. Its raw has a memory of its own, so that keeping it keeps nothing else. */
export function decodeRow(row: Buffer): Stored {
  const { key, origin, receivedAt, rawHash, ledger, verdict, context } = headOf(row)
  const raw = Buffer.from(row.subarray(LENGTHS_BYTES + row.readUInt32BE(0)))
  const received = { origin, receivedAt, raw, context }
  return { key, received, verdict, revision: 0, rawHash, ...(ledger && { ledger }) }
}

/** When a row was received; nothing for an erased one. */
export function receivedAtOf(row: Buffer): number | undefined {
  return isErased(row) ? undefined : headOf(row).receivedAt
}

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

function headOf(row: Buffer): Head {
  try {
    return JSON.parse(row.toString('utf8', LENGTHS_BYTES, LENGTHS_BYTES + row.readUInt32BE(0))) as Head
  } catch (cause) {
    throw new HeadwaterError('DATA_CORRUPT', `a stored row has no head that can be read: ${String(cause)}`, {
      cause,
    })
  }
}
