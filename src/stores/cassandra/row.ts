import { hash } from 'node:crypto'
import { recordOf } from '../../arrival.ts'
import { sentenceOf } from '../../event.ts'
import { halfOf } from '../../review/key.ts'
import type { Arrival } from '../../review/record.ts'
import { findableBy, type Verdict } from '../../review/verdict.ts'
import type { Stored } from '../store.ts'
import type { Options } from './connect.ts'
import { LARGE_BYTES, type LargeValues, type Parts } from './parts.ts'
import { TABLES } from './tables.ts'

export type Column = Exclude<keyof (typeof TABLES)['reviews'], 'primary'>
/** A row of `reviews`: what is not there is null. */
export type Columns = Readonly<Partial<Record<Column, unknown>>>

const FORMAT = 1

const REVIEW_COLUMNS = {
  product_id: text,
  review_id: text,
  user_id: text,
  rating: number,
  title: text,
  review_text: text,
  review_timestamp: time,
  verified_purchase: yesOrNo,
  helpful_votes: whole,
  vine: yesOrNo,
  images: texts,
  videos: texts,
  reviewer_name: text,
  marketplace: text,
  country: text,
  language: text,
  variant: text,
  product_title: text,
  review_url: text,
} as const satisfies Partial<Record<Column, (value: unknown) => unknown>>

/** What a new verdict replaces, besides its revision. */
export const VERDICT_COLUMNS: readonly Column[] = [
  ...(['verdict', 'verdict_parts', 'status', 'code', 'error', 'cluster', 'discarded', 'preset'] as const),
  'review_schema',
  ...(Object.keys(REVIEW_COLUMNS) as (keyof typeof REVIEW_COLUMNS)[]),
]
export const COLUMNS = Object.keys(TABLES.reviews).filter((name) => name !== 'primary') as readonly Column[]
/** All that a record is made of again. */
export const RECORD_COLUMNS: readonly Column[] = [
  ...([
    'key',
    'received_at',
    'stored_at',
    'origin',
    'context',
    'raw',
    'raw_hash',
    'parts',
    'ledger_run',
    'ledger_seq',
  ] as const),
  ...(['revision', 'verdict', 'verdict_parts'] as const),
]

/** A record as it is first written. */
export interface NewRow {
  readonly key: string
  /** Which of several first writes is kept: the one with the greatest, as the database has it. */
  readonly writtenAt: bigint
  readonly columns: Columns
  readonly large: LargeValues
  readonly places: Places
}

/** All that the tables of pointers go by. */
export interface Places {
  readonly key: string
  readonly receivedAt: number
  readonly review: string
  readonly product: string | undefined
  readonly cluster: string | undefined
}

/** `version` names the row's parts; that of its write time unless told. */
export function rowOf(arrival: Arrival, storedAt: number, version?: bigint): NewRow {
  const { key, received, verdict, ledger, rawHash } = recordOf(arrival)
  const { raw } = received
  const writtenAt = writeTime(received.receivedAt, arrival.head)
  const partsAt = version ?? writtenAt
  const context = sized(JSON.stringify(received.context))
  const isLargeRaw = raw.length > LARGE_BYTES
  const large = { ...(isLargeRaw && { raw }), ...(context.large && { context: context.large }) }
  const judged = verdictColumns(verdict, partsAt)
  return {
    key,
    writtenAt,
    columns: {
      key,
      format: FORMAT,
      received_at: new Date(received.receivedAt),
      stored_at: new Date(storedAt),
      origin: received.origin,
      source: received.context.source,
      kind: received.context.kind,
      context: context.inline,
      raw: isLargeRaw ? null : raw,
      raw_size: raw.length,
      raw_hash: rawHash,
      parts: Object.keys(large).length > 0 ? partsAt : null,
      ledger_run: ledger?.run ?? null,
      ledger_seq: ledger ? BigInt(ledger.seq) : null,
      revision: 0,
      ...judged.columns,
    },
    large: { ...large, ...judged.large },
    places: placesOf({ key, received, verdict }),
  }
}

export function placesOf({ key, received, verdict }: Pick<Stored, 'key' | 'received' | 'verdict'>): Places {
  return { key, receivedAt: received.receivedAt, review: halfOf(key), ...findableBy(verdict) }
}

const DIGEST_BITS = 20n

/**
 * The time that a first write carries: it falls as received time rises, so that the first one wins; below all times of the
 * clock, so that amendments and erasures win over it. Two writes that differ in anything have different times, or columns of
 * the one would stand beside columns of the other. When they are stored is not among it: of two who bring the same at the same
 * time, the later moment is kept, and both are right that it is stored.
 */
export function writeTime(receivedAt: number, head: Buffer): bigint {
  const ms = BigInt(Math.max(0, receivedAt))
  const digest = hash('sha256', head, 'buffer').readUInt32BE() >>> 12
  return -((ms << DIGEST_BITS) | BigInt(digest))
}

/** What a verdict says, for people to ask for, beside all that it says. `version`: where what is too large of it is kept. */
export function verdictColumns(verdict: Verdict, version: bigint): { columns: Columns; large: LargeValues } {
  const { inline, large } = sized(JSON.stringify(verdict))
  const known = { product_id: verdict.status === 'accepted' ? undefined : verdict.product }
  const named =
    verdict.status === 'accepted' || verdict.status === 'rejected' ? {} : { review_id: verdict.review_id }
  const review = verdict.status === 'accepted' ? verdict.review : { ...known, ...named }
  const rejected = verdict.status === 'rejected' ? verdict : undefined
  const fields = Object.entries(REVIEW_COLUMNS).map(([name, read]) => [
    name,
    read((review as Readonly<Record<string, unknown>>)[name]),
  ])
  const columns: Columns = {
    verdict: inline,
    verdict_parts: large ? version : null,
    status: verdict.status,
    code: rejected?.code ?? null,
    error: rejected ? text(sentenceOf(rejected)) : null,
    cluster: rejected?.cluster ?? null,
    discarded: text(rejected?.discarded?.reason),
    preset: verdict.by.preset,
    review_schema: verdict.by.schema,
    ...(Object.fromEntries(fields) as Columns),
  }
  return { columns, large: large ? { verdict: large } : {} }
}

/** Whether a row holds all of its record, and nothing of it is in parts. */
export const isWhole = (row: Columns): row is Columns & Whole =>
  row.raw !== null && row.context !== null && row.verdict !== null

/**
 * Puts a record together again where the row holds all of it, as nearly all do; undefined where some of it is in parts. At once,
 * since waiting for each row of a scan takes longer than reading it.
 */
export const readWhole = (row: Columns): Stored | undefined => (isWhole(row) ? stored(row, row) : undefined)

/** Puts a record together again, its large values from their parts. */
export async function readRow(row: Columns, parts: Parts, options?: Options): Promise<Stored> {
  const key = row.key as string
  const part = (name: string, version: unknown): Promise<Buffer> =>
    parts.read(key, version as bigint, name, options)
  const { raw, context, verdict } = row as Columns & Held
  return stored(row, {
    raw: raw ?? (await part('raw', row.parts)),
    context: context ?? (await part('context', row.parts)).toString(),
    verdict: verdict ?? (await part('verdict', row.verdict_parts)).toString(),
  })
}

interface Whole {
  readonly raw: Buffer
  readonly context: string
  readonly verdict: string
}
/** What a row has itself. */
type Held = { readonly [Name in keyof Whole]: Whole[Name] | null }

function stored(row: Columns, { raw, context, verdict }: Whole): Stored {
  const run = row.ledger_run as string | null
  return {
    key: row.key as string,
    received: {
      origin: row.origin as string,
      receivedAt: (row.received_at as Date).getTime(),
      raw,
      context: JSON.parse(context) as Stored['received']['context'],
    },
    verdict: JSON.parse(verdict) as Verdict,
    ...(run !== null && { ledger: { run, seq: Number(row.ledger_seq) } }),
    rawHash: row.raw_hash as string,
    revision: Number(row.revision),
    ...(row.stored_at instanceof Date && { storedAt: row.stored_at.getTime() }),
  }
}

function sized(json: string): { readonly inline: string | null; readonly large?: Buffer } {
  if (json.length * 3 <= LARGE_BYTES || Buffer.byteLength(json) <= LARGE_BYTES) return { inline: json }
  return { inline: null, large: Buffer.from(json) }
}

/** A column for people to ask for holds no more: all of it is in the verdict. */
const MOST_SHOWN = 64 * 1024

function text(value: unknown): string | null {
  return typeof value === 'string' && value.length <= MOST_SHOWN ? value : null
}

function texts(value: unknown): readonly string[] | null {
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) return null
  return value.reduce((sum, one) => sum + one.length, 0) <= MOST_SHOWN ? value : null
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function whole(value: unknown): bigint | null {
  return Number.isSafeInteger(value) ? BigInt(value as number) : null
}

function yesOrNo(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null
}

function time(value: unknown): Date | null {
  const at = typeof value === 'string' ? new Date(value) : undefined
  return at === undefined || Number.isNaN(at.getTime()) ? null : at
}
