import { hash } from 'node:crypto'
import { isRecordKey } from '../../review/key.ts'
import type { Item } from './values.ts'

/** A partition key may have 2,048 bytes, and the number of the shard is among them. */
const MOST_TEXT_BYTES = 1_900
const FIRST = Date.parse('0000-01-01T00:00:00.000Z')
const LAST = Date.parse('9999-12-31T23:59:59.999Z')
const TIME_LENGTH = '0000-01-01T00:00:00.000Z'.length

/** The key of a row, by the two halves of its record key; undefined where it is none. */
export function rowKey(key: string): Item | undefined {
  if (!isRecordKey(key)) return undefined
  return { review_half: { S: key.slice(0, 16) }, content_half: { S: key.slice(16) } }
}

/** Those of these that are record keys, each once. */
export const rowKeys = (keys: readonly string[]): Item[] =>
  [...new Set(keys)].map(rowKey).filter((key) => key !== undefined)

/** Whether a row of that time sorts among the others: from the year 0 to the year 9999. */
export const isSortable = (time: number): boolean => time >= FIRST && time <= LAST

/** Sorts as the times do, and before every row that was received then. Beyond the years there are, their bounds. */
export function sortableTime(time: number): string {
  if (time > LAST) return '~'
  return new Date(Math.ceil(Math.max(time, FIRST))).toISOString()
}

/** The sort key of every index, and a position in a scan: when a row was received, then its key, so that no two are equal. */
export const arrivedOf = (receivedAt: number, key: string): string =>
  `${new Date(receivedAt).toISOString()}#${key}`

/** What `arrivedOf` made, as far as anybody can tell. */
export const isArrived = (text: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[0-9a-f]{32}$/.test(text)

export const timeIn = (arrived: string): number => Date.parse(arrived.slice(0, TIME_LENGTH))
export const keyIn = (arrived: string): string => arrived.slice(TIME_LENGTH + 1)
export const dayIn = (arrived: string): string => arrived.slice(0, 'YYYY-MM-DD'.length)

/** In which of its partitions an index has a row. */
export const shardOf = (key: string, shards: number): number => Number.parseInt(key.slice(-8), 16) % shards

/** The partition of an index; a text that is too long for one is known by its digest. */
export const partitionOf = (text: string, shard: number): string => `${indexed(text)}#${shard}`

export const indexed = (text: string): string =>
  Buffer.byteLength(text) <= MOST_TEXT_BYTES ? text : `sha256:${hash('sha256', text, 'hex')}`
