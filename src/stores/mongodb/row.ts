import { recordOf } from '../../arrival.ts'
import { HeadwaterError } from '../../errors.ts'
import { halfOf } from '../../review/key.ts'
import type { Context } from '../../review/received.ts'
import type { Arrival, LedgerEntry, ReviewRecord } from '../../review/record.ts'
import {
  type Accepted,
  findableBy,
  type Rejected,
  type Removal,
  type Review,
  type Verdict,
} from '../../review/verdict.ts'
import type { Stored } from '../store.ts'
import { carry, type Carried, carryPlain, type Exact, parseExact } from './exact.ts'
import type { PackedRaw } from './raw.ts'

export const FORMAT = 1
/** Raw that is larger is compressed, and what is larger even then lies in parts. */
export const MAX_IN_ROW = 4 * 1024 * 1024

/** A record as a document, laid out for people who query it. `exact…` stand beside fields that can't say all of it. */
export interface Row extends VerdictFields, PackedRaw {
  /** The record key. */
  readonly _id: string
  readonly format: number
  /** Counts the verdicts: 0 as first stored. */
  readonly revision: number
  /** The first half of the record key: which review. */
  readonly reviewKey: string
  readonly origin: string
  readonly receivedAt: Date
  /** When it was first written. */
  readonly storedAt?: Date
  readonly context?: Context | undefined
  readonly ledger?: LedgerEntry | undefined
  readonly exactReceived?: Exact | undefined
  readonly rawHash: string
  readonly rawLength: number
}

/** What a new verdict replaces, as a whole. */
export interface VerdictFields {
  readonly status: Verdict['status']
  readonly product: string | undefined
  /** Of dead letters that wait to be mended. */
  readonly cluster: string | undefined
  readonly review: Review | undefined
  /** The review's timestamp as a date, where it is one. */
  readonly reviewedAt: Date | undefined
  readonly code: string | undefined
  readonly errors: Rejected['errors'] | undefined
  /** All the rest of it, in its own order. */
  readonly verdict: Rest | undefined
  readonly exactVerdict: Exact | undefined
}

type Rest =
  | Omit<Accepted, 'status' | 'review'>
  | Omit<Rejected, 'status' | 'code' | 'errors'>
  | Omit<Removal, 'status'>

/** What was known on arrival and is no field of its own; origins are names, but may be any text. */
type Around = Pick<Row, 'origin' | 'context' | 'ledger'>

/**
 * At once, where every field can say all of its part and raw is small, as nearly always; undefined where `encodeRow` has to look
 * at more.
 */
export function encodePlain(arrival: Arrival, storedAt: number): Row | undefined {
  const { raw } = arrival.received
  if (raw.length > MAX_IN_ROW) return undefined
  const record = recordOf(arrival)
  const verdict = carryPlain(record.verdict, arrival.head.length)
  const around = carryPlain(aroundOf(record), arrival.head.length)
  return verdict && around && rowOf(record, storedAt, fieldsOf(record.verdict, verdict), around, { raw })
}

/** Resolves to nothing where the record, apart from raw, is more than a row can hold. */
export async function encodeRow(
  arrival: Arrival,
  packed: PackedRaw,
  storedAt: number,
): Promise<Row | undefined> {
  const record = recordOf(arrival)
  const fields = await encodeVerdict(record.verdict, arrival.head.length)
  const around = await carry(aroundOf(record), arrival.head.length)
  return fields && around && rowOf(record, storedAt, fields, around, packed)
}

const aroundOf = ({ received: { origin, context }, ledger }: ReviewRecord): Around => ({
  origin,
  context,
  ...(ledger && { ledger }),
})

function rowOf(
  { key, received: { origin, receivedAt, raw }, rawHash }: ReturnType<typeof recordOf>,
  storedAt: number,
  fields: VerdictFields,
  around: Carried<Around>,
  packed: PackedRaw,
): Row {
  return {
    _id: key,
    format: FORMAT,
    revision: 0,
    reviewKey: halfOf(key),
    origin: around.native?.origin ?? origin.slice(0, 256).toWellFormed(),
    receivedAt: new Date(receivedAt),
    storedAt: new Date(storedAt),
    ...fields,
    context: around.native?.context,
    ledger: around.native?.ledger,
    exactReceived: around.exact,
    rawHash,
    rawLength: raw.length,
    ...packed,
  }
}

/** `atMost` is no less than the length of the verdict's JSON text. Resolves to nothing where that is too much. */
export async function encodeVerdict(verdict: Verdict, atMost = Infinity): Promise<VerdictFields | undefined> {
  const carried = await carry(verdict, atMost)
  return carried && fieldsOf(verdict, carried)
}

function fieldsOf(verdict: Verdict, { native, exact }: Carried<Verdict>): VerdictFields {
  const { product, cluster } = findableBy(verdict)
  const found = { product: product?.toWellFormed(), cluster: cluster?.toWellFormed(), exactVerdict: exact }
  const { status, review, code, errors, ...verdictRest } = { ...NO_FIELDS, ...native, status: verdict.status }
  return {
    status,
    ...found,
    review,
    reviewedAt: dateOf(verdict),
    code,
    errors,
    verdict: native && (verdictRest as Rest),
  }
}

const NO_FIELDS = { review: undefined, code: undefined, errors: undefined }

function dateOf(verdict: Verdict): Date | undefined {
  if (verdict.status !== 'accepted') return undefined
  const date = new Date(verdict.review.review_timestamp)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/**
 * The record of a row whose every field can say all of it, as nearly all can; undefined where `decodeRow` has to look at more.
 * At once, since waiting for each row of a scan takes longer than reading it. Throws as `decodeRow` does.
 */
export function decodePlain(row: Row): Stored | undefined {
  const { raw, rawAs, exactReceived, exactVerdict } = row
  const isPlain = rawAs === undefined && exactReceived === undefined && exactVerdict === undefined
  if (!isPlain || raw === undefined || raw.length !== row.rawLength) return undefined
  return decode(row, raw, row, verdictIn(row))
}

/** Throws `DATA_CORRUPT` or `DATA_FORMAT`, with the key, where the document is no row. */
export async function decodeRow(row: Row, raw: Buffer): Promise<Stored> {
  try {
    const { exactReceived, exactVerdict } = row
    const around = exactReceived === undefined ? row : await parseExact<Around>(exactReceived)
    const verdict = exactVerdict === undefined ? verdictIn(row) : await parseExact<Verdict>(exactVerdict)
    return decode(row, raw, around, verdict)
  } catch (cause) {
    if (cause instanceof HeadwaterError) throw cause
    throw damaged(row._id, 'can not be read', cause)
  }
}

function decode(row: Row, raw: Buffer, { origin, context, ledger }: Around, verdict: Verdict): Stored {
  const { _id: key, format, revision, rawHash, storedAt } = row
  if (format !== FORMAT)
    throw new HeadwaterError(
      'DATA_FORMAT',
      `record ${key} has the format ${format}; this version knows ${FORMAT}`,
    )
  try {
    const received = { origin, receivedAt: row.receivedAt.getTime(), raw, context: context as Context }
    const written = storedAt && { storedAt: storedAt.getTime() }
    return { key, received, verdict, ...(ledger && { ledger }), revision, rawHash, ...written }
  } catch (cause) {
    throw damaged(key, 'can not be read', cause)
  }
}

export function damaged(key: string, what: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('DATA_CORRUPT', `record ${key} ${what}`, { cause })
}

function verdictIn({ status, review, code, errors, verdict }: Row): Verdict {
  const own = status === 'accepted' ? { review } : status === 'rejected' ? { code, errors } : {}
  return { status, ...own, ...verdict } as Verdict
}
