import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { randomUUID } from 'node:crypto'
import { recordOf } from '../../arrival.ts'
import { HeadwaterError } from '../../errors.ts'
import { sentenceOf } from '../../event.ts'
import type { Context } from '../../review/received.ts'
import type { Arrival } from '../../review/record.ts'
import { findableBy, type Verdict } from '../../review/verdict.ts'
import type { Stored } from '../store.ts'
import { getItems } from './batches.ts'
import type { Asking, Session } from './connect.ts'
import { FORMAT } from './notes.ts'
import { readBlob } from './parts.ts'
import { arrivedOf, dayIn, partitionOf, rowKey, rowKeys, shardOf, timeIn } from './placing.ts'
import { MOST_ITEM_BYTES, spill, type Spilled } from './spill.ts'
import { bufferOf, type Item, itemSize, native, numberIn, sizeOf, textIn } from './values.ts'

/** A larger review is not laid out for queries; the text of its verdict has it. */
const MOST_REVIEW_BYTES = 300 * 1024
/** DynamoDB deletes what is due in any order, within days: parts are due so much later than their row. */
const PARTS_OUTLIVE_SECONDS = 7 * 86_400

export interface Layout {
  readonly shards: number
  readonly expireAfterMs: number | undefined
}

export interface Row {
  readonly item: Item
  /** Which write it is: no other has this name. */
  readonly write: string
  readonly parts: Spilled['parts']
}

/**
 * An item takes less than so many bytes for each byte of a head: a digit and its comma become a number of 21 bytes, and the texts of
 * the verdict and of the context stand beside.
 */
const MOST_PER_BYTE = 16

/**
 * A row as a person queries it, with the exact texts and bytes beside. At once, where it is so small that all of it fits,
 * as nearly always; undefined where `encodeRow` has to look at more.
 */
export function encodePlain(arrival: Arrival, layout: Layout, storedAt: number): Row | undefined {
  const { head, received } = arrival
  if (MOST_PER_BYTE * head.length + received.raw.length > MOST_ITEM_BYTES) return undefined
  const { fixed, verdict, ...row } = begin(arrival, layout, storedAt)
  const review = reviewOf(verdict)
  const item: Item = {
    ...fixed,
    ...foundBy(arrival.key, verdict, layout),
    ...(review && { review }),
    raw: { B: received.raw },
    verdict: { S: JSON.stringify(verdict) },
    context: { S: JSON.stringify(received.context) },
  }
  return { item, parts: [], ...row }
}

/** The same of any size: what does not fit is compressed, or goes into parts. */
export async function encodeRow(arrival: Arrival, layout: Layout, storedAt: number): Promise<Row> {
  const { raw, context } = arrival.received
  const { fixed, verdict, ...row } = begin(arrival, layout, storedAt)
  const shown = { ...fixed, ...shownOf(arrival.key, verdict, layout, MOST_REVIEW_BYTES) }
  const blobs = [{ name: 'raw', bytes: raw }, textOf('verdict', verdict), textOf('context', context)]
  const { attributes, parts } = await spill(blobs, MOST_ITEM_BYTES - itemSize(shown), row.write)
  return { item: { ...shown, ...attributes }, parts, ...row }
}

/** What is never long, and does not depend on the verdict. */
function begin(arrival: Arrival, layout: Layout, storedAt: number) {
  const { key, received, verdict, rawHash, ledger } = recordOf(arrival)
  const { origin, receivedAt, context } = received
  const arrived = arrivedOf(receivedAt, key)
  const write = newWrite()
  const fixed: Item = {
    ...rowKey(key),
    write: { S: write },
    format: { N: String(FORMAT) },
    arrived: { S: arrived },
    day_shard: { S: partitionOf(dayIn(arrived), shardOf(key, layout.shards)) },
    received_at: { S: new Date(receivedAt).toISOString() },
    stored_at: { S: new Date(storedAt).toISOString() },
    origin: { S: origin },
    source: { S: context.source },
    kind: { S: context.kind },
    raw_sha256: { S: rawHash },
    revision: { N: '0' },
    ...(ledger && { ledger_run: { S: ledger.run }, ledger_seq: { N: String(ledger.seq) } }),
    ...expiryOf(receivedAt, layout),
  }
  return { fixed, verdict, write }
}

/** All that a record is made of again. */
export const RECORD_ATTRIBUTES: readonly string[] = [
  'review_half',
  'content_half',
  'arrived',
  'stored_at',
  'origin',
  'raw_sha256',
  'revision',
  'ledger_run',
  'ledger_seq',
  'expires_at',
  ...['raw', 'verdict', 'context'].flatMap((name) => [name, `${name}_zstd`, `${name}_parts`]),
]

/** All attributes that an item has by its verdict; a newer one sets some of them and removes the others. */
export const VERDICT_ATTRIBUTES = [
  'status',
  'product',
  'product_shard',
  'cluster',
  'cluster_shard',
  'code',
  'error',
  'review',
  'verdict',
  'verdict_zstd',
  'verdict_parts',
]

/** What a verdict says, in as much room as the rest of the item leaves. */
export async function encodeVerdict(
  key: string,
  verdict: Verdict,
  rest: Item,
  layout: Layout,
): Promise<Spilled> {
  const room = MOST_ITEM_BYTES - itemSize(rest)
  const own = shownOf(key, verdict, layout, Math.min(MOST_REVIEW_BYTES, room / 2))
  const { attributes, parts } = await spill([textOf('verdict', verdict)], room - itemSize(own), newWrite())
  return { attributes: { ...own, ...attributes }, parts }
}

/** What queries reach of a verdict: its review only where that takes no more bytes than said. */
function shownOf(key: string, verdict: Verdict, layout: Layout, most: number): Item {
  const found = foundBy(key, verdict, layout)
  const review = reviewOf(verdict)
  return review && sizeOf(review) <= most ? { ...found, review } : found
}

function foundBy(key: string, verdict: Verdict, { shards }: Layout): Item {
  const shard = shardOf(key, shards)
  const { product, cluster } = findableBy(verdict)
  return {
    status: { S: verdict.status },
    ...(product !== undefined && {
      product: { S: product },
      product_shard: { S: partitionOf(product, shard) },
    }),
    ...(cluster !== undefined && { cluster_shard: { S: partitionOf(cluster, shard) } }),
    ...(verdict.status === 'rejected' && {
      code: { S: verdict.code },
      cluster: { S: verdict.cluster },
      error: { S: sentenceOf(verdict) },
    }),
  }
}

/** What is known of a review, to be queried: all of it, or which one it is. */
function reviewOf(verdict: Verdict): AttributeValue | undefined {
  if (verdict.status === 'rejected') return undefined
  if (verdict.status === 'accepted') return native(verdict.review)
  const { review_id, product: product_id } = verdict
  return native({ review_id, ...(product_id !== undefined && { product_id }) })
}

const textOf = (name: string, value: unknown) => ({
  name,
  bytes: Buffer.from(JSON.stringify(value)),
  isText: true,
})

const newWrite = (): string => randomUUID().slice(-17).replace('-', '')

function expiryOf(receivedAt: number, { expireAfterMs }: Layout): Item {
  if (expireAfterMs === undefined) return {}
  return { expires_at: { N: String(Math.ceil((receivedAt + expireAfterMs) / 1_000)) } }
}

/** When DynamoDB may delete the parts of a row. */
export function partsExpiryOf(row: Item): Item {
  if (!row['expires_at']) return {}
  return { expires_at: { N: String(numberIn(row, 'expires_at') + PARTS_OUTLIVE_SECONDS) } }
}

const isDue = (row: Item): boolean =>
  row['expires_at'] !== undefined && numberIn(row, 'expires_at') * 1_000 < Date.now()

export const keyOf = (item: Item): string => textIn(item, 'review_half') + textIn(item, 'content_half')

/**
 * The record of a row. What somebody replaces meanwhile is read again; undefined where the row is gone, or is
 * due to be deleted and its parts are already. Throws `DATA_CORRUPT` where it can't be read.
 */
export async function decodeRow(session: Session, read: Item, asking: Asking): Promise<Stored | undefined> {
  let item: Item | undefined = read
  for (let looks = 0; item !== undefined; looks++) {
    const stored = await decode(session, item, asking)
    if (stored) return stored
    if (looks === 3) {
      if (isDue(item)) return undefined
      throw corrupt(session, item, 'parts that it names are not there')
    }
    item = await getRow(session, keyOf(item), asking)
  }
  return undefined
}

/** As much of the rows with these keys as a record is made of, read consistently, in no order. */
export const getRows = (session: Session, keys: readonly string[], asking: Asking): Promise<Item[]> =>
  getItems(session, session.tables.reviews, rowKeys(keys), asking, RECORD_ATTRIBUTES)

/** The row as it is now, read consistently. */
export async function getRow(
  { db, ask, tables }: Session,
  key: string,
  asking: Asking,
): Promise<Item | undefined> {
  const Key = rowKey(key)
  if (!Key) return undefined
  const query = { TableName: tables.reviews, Key, ConsistentRead: true }
  return (await ask((options) => db.getItem(query, options), asking)).Item
}

/**
 * The record of an item that holds all of it, as nearly all do; undefined where `decodeRow` has to look at more. At once, since
 * waiting for each row of a scan takes longer than reading it. Throws `DATA_CORRUPT` where it can't be read.
 */
export function decodePlain(session: Session, item: Item): Stored | undefined {
  const { raw, verdict, context } = item
  if (!raw?.B || verdict?.S === undefined || context?.S === undefined) return undefined
  try {
    return storedOf(item, bufferOf(raw.B), verdict.S, context.S)
  } catch (error) {
    throw corrupt(session, item, String(error))
  }
}

async function decode(session: Session, item: Item, asking: Asking): Promise<Stored | undefined> {
  try {
    const owner = keyOf(item)
    const blob = (name: string) => readBlob(session, item, { owner, name }, asking)
    const [raw, verdict, context] = [await blob('raw'), await blob('verdict'), await blob('context')]
    return raw && verdict && context && storedOf(item, raw, verdict.toString(), context.toString())
  } catch (error) {
    if (error instanceof HeadwaterError || asking.signal?.aborted) throw error
    throw corrupt(session, item, String(error))
  }
}

function storedOf(item: Item, raw: Buffer, verdict: string, context: string): Stored {
  return {
    key: keyOf(item),
    received: {
      origin: textIn(item, 'origin'),
      receivedAt: timeIn(textIn(item, 'arrived')),
      raw,
      context: JSON.parse(context) as Context,
    },
    verdict: JSON.parse(verdict) as Verdict,
    ...(item['ledger_run'] && {
      ledger: { run: textIn(item, 'ledger_run'), seq: numberIn(item, 'ledger_seq') },
    }),
    rawHash: textIn(item, 'raw_sha256'),
    revision: numberIn(item, 'revision'),
    ...(item['stored_at'] && { storedAt: Date.parse(textIn(item, 'stored_at')) }),
  }
}

function corrupt({ tables }: Session, item: Item, why: string): HeadwaterError {
  const key = `${item['review_half']?.S}${item['content_half']?.S}`
  return new HeadwaterError('DATA_CORRUPT', `${tables.reviews}: the row ${key} can not be read: ${why}`)
}
