import { hash } from 'node:crypto'
import type { Received } from '../../review/received.ts'
import type { Findable, Verdict } from '../../review/verdict.ts'
import { type Environment, type Table, tablesOf } from './environment.ts'

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
 * | products | digest of the product, row   | nothing                                      |
 * | clusters | digest of the cluster, row   | nothing                                      |
 * | verdicts | record key, 16 bytes         | JSON: the verdict that replaces the row's    |
 */
const NAMES = ['blocks', 'payloads', 'tail', 'keys', 'products', 'clusters', 'verdicts'] as const

export const layout = tablesOf(NAMES)

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
const NOTHING = Buffer.alloc(0)
const NUMBER_BYTES = 6
const DIGEST_BYTES = 8

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

/** No row is under anything else. */
export function isKey(key: string): boolean {
  return /^[0-9a-f]{32}$/.test(key)
}

export function encodeKey(key: string): Buffer {
  if (!isKey(key)) throw new RangeError(`a record key is 32 hex digits, not "${key}"`)
  return Buffer.from(key, 'hex')
}

/** The number of the row with this key. */
export function numberOf({ keys }: Tables, key: string): number | undefined {
  const number = isKey(key) ? keys.get(encodeKey(key)) : undefined
  return number && decodeNumber(number)
}

export type Pointing = 'products' | 'clusters'

/** What each index of pointers is for: texts of any length. */
export const POINTING: Readonly<Record<Pointing, keyof Findable>> = {
  products: 'product',
  clusters: 'cluster',
}

/** What a record with this status counts among dead letters. */
export function deadLetterBytesOf({ raw }: Pick<Received, 'raw'>, status: Verdict['status']): number {
  return status === 'rejected' ? raw.length : 0
}

/** Different texts may share a digest: whoever follows a pointer looks at the row. */
export function digest(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex').slice(0, 2 * DIGEST_BYTES), 'hex')
}

export function encodePointer(digest: Buffer, row: number): Buffer {
  const bytes = Buffer.allocUnsafe(DIGEST_BYTES + NUMBER_BYTES)
  digest.copy(bytes)
  bytes.writeUIntBE(row, DIGEST_BYTES, NUMBER_BYTES)
  return bytes
}

/** The digest that a pointer begins with. */
export function digestIn(pointer: Buffer): Buffer {
  return pointer.subarray(0, DIGEST_BYTES)
}

/** The row that a pointer is for. */
export function pointedTo(pointer: Buffer): number {
  return decodeNumber(pointer, DIGEST_BYTES)
}

export function putPointer(table: Table, pointer: Buffer): void {
  table.putSync(pointer, NOTHING)
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
