import { isRecordKey } from '../../review/key.ts'
import type { Received } from '../../review/received.ts'
import type { Verdict } from '../../review/verdict.ts'
import { type Environment, tablesOf } from './environment.ts'

/**
 * Every row has a number, in the order of arrival and never used again. Rows arrive in `blocks`, or in the `tail` until
 * there are enough of them for a block. The indexes hold row numbers, so that sealing the tail changes none of them.
 *
 * | Table    | Key                          | Value                                        |
 * |----------|------------------------------|----------------------------------------------|
 * | meta     | `format`, `state`            | JSON                                         |
 * | blocks   | number of its first row      | header: JSON                                 |
 * | payloads | number of its first row      | the rows of the block, compressed            |
 * | tail     | row number                   | row                                          |
 * | keys     | record key, 16 bytes         | row number                                   |
 * | products | digest of the product, span  | rows, see pointers.ts                        |
 * | clusters | digest of the cluster, span  | rows, see pointers.ts                        |
 * | verdicts | record key, 16 bytes         | JSON: the verdict that replaces the row's    |
 */
const NAMES = ['blocks', 'payloads', 'tail', 'keys', 'products', 'clusters', 'verdicts'] as const

/** Rows of format 1 don't say when they were written. They stay as they are. */
export const layout = tablesOf(NAMES, [2, 1])

export type StoreEnvironment = Environment<'meta' | (typeof NAMES)[number]>
export type Tables = StoreEnvironment['tables']

/** What is counted, changed only within a write. */
export interface State {
  /** The number of the next row. */
  readonly next: number
  readonly tailRows: number
  readonly tailBytes: number
  /** Bytes of raw of the rows whose present verdict is a rejection. */
  readonly deadLetterBytes: number
  /** How often rows were erased: whoever rebuilds rows outside of a write looks whether this has moved. */
  readonly erasures: number
}

const STATE_KEY = Buffer.from('state')
const EMPTY: State = { next: 0, tailRows: 0, tailBytes: 0, deadLetterBytes: 0, erasures: 0 }
export const NUMBER_BYTES = 6

export function readState({ meta }: Tables): State {
  const written = meta.get(STATE_KEY)
  return written ? { ...EMPTY, ...(JSON.parse(written.toString()) as State) } : EMPTY
}

export function writeState({ meta }: Tables, state: State): void {
  meta.putSync(STATE_KEY, Buffer.from(JSON.stringify(state)))
}

/** Sorts as the numbers do. */
export function encodeNumber(row: number): Buffer {
  const bytes = Buffer.allocUnsafe(NUMBER_BYTES)
  bytes.writeUIntBE(row, 0, NUMBER_BYTES)
  return bytes
}

export function decodeNumber(bytes: Buffer, at = 0): number {
  return bytes.readUIntBE(at, NUMBER_BYTES)
}

export function encodeKey(key: string): Buffer {
  if (!isRecordKey(key)) throw new RangeError(`a record key is 32 hex digits, not "${key}"`)
  return Buffer.from(key, 'hex')
}

/** The number of the row with this key. */
export function numberOf({ keys }: Tables, key: string): number | undefined {
  const number = isRecordKey(key) ? keys.get(encodeKey(key)) : undefined
  return number && decodeNumber(number)
}

/** What a record with this status counts among dead letters. */
export function deadLetterBytesOf({ raw }: Pick<Received, 'raw'>, status: Verdict['status']): number {
  return status === 'rejected' ? raw.length : 0
}

/** The verdict that has replaced the one in the row. */
export interface Amendment {
  readonly revision: number
  readonly verdict: Verdict
}

export function amendmentOf({ verdicts }: Tables, key: string): Amendment | undefined {
  const written = verdicts.get(encodeKey(key))
  return written && (JSON.parse(written.toString()) as Amendment)
}

export function putAmendment({ verdicts }: Tables, key: string, amendment: Amendment): void {
  verdicts.putSync(encodeKey(key), Buffer.from(JSON.stringify(amendment)))
}
