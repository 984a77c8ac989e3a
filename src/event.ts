import { hash } from 'node:crypto'
import { HeadwaterError } from './errors.ts'
import { joined } from './lib/slab.ts'
import { encodingOf, isMostlyControls } from './review/encoding.ts'
import type { Context, Received } from './review/received.ts'
import type { LedgerEntry, RawEncoding, ReviewRecord } from './review/record.ts'
import type { Change, Fault, Rejected, Removal, Review, RuleVersions, Verdict } from './review/verdict.ts'

/** A record with the publication that it came by. */
export type Published = ReviewRecord & { readonly ledger: LedgerEntry; readonly rawHash: string }

/** What ends every event: the closing braces of data and of the event, behind raw. */
const TAIL = '}}'

/**
 * A record as a CloudEvent 1.0 in structured mode, UTF-8 JSON. Raw comes last, verbatim where every JSON parser can take
 * it: the exact bytes are `body[length - 2 - rawlength, length - 2)`.
 *
 * `id` is the record key unless a redrive or a replay gives one of its own.
 */
export function encodeEvent(record: ReviewRecord, ledger: LedgerEntry, id: string = record.key): Buffer {
  const encoding = eventEncodingOf(record)
  const parts = headParts(record, ledger, id, encoding)
  parts.push(memberOf(record.received.raw, encoding), TAIL)
  return joined(parts)
}

function eventEncodingOf({ encoding, received: { raw } }: ReviewRecord): RawEncoding {
  const found = encoding ?? encodingOf(raw)
  return found === 'text' && isMostlyControls(raw) ? 'base64' : found
}

/** What stands before raw. */
function headParts(
  record: ReviewRecord,
  ledger: LedgerEntry,
  id: string,
  encoding: RawEncoding,
): (string | Buffer)[] {
  const { key, received, verdict } = record
  const { raw, context } = received
  const rawHash = record.rawHash ?? hash('sha256', raw, 'hex')
  const { type, dataschema, rawName } = KINDS[verdict.status]
  const subject = JSON.stringify(subjectOf(record))
  const { source, time, run, rules } = commonOf(received, ledger.run, verdict.by)
  // Written out, since a third of the time went into having JSON.stringify find this shape again for every record.
  const attributes =
    `{"specversion":"1.0","id":${JSON.stringify(id)},"type":"${type}",` +
    `"source":${source},"subject":${subject},"partitionkey":${subject},` +
    `"time":"${time}","datacontenttype":"application/json","dataschema":"${dataschema}",` +
    `"recordkey":"${key}","ledgerrun":${run},"ledgerseq":"${ledger.seq}",` +
    `"rawhash":"sha256:${rawHash}","rawlength":${memberLength(raw, encoding)},"rawencoding":"${encoding}","data":{`
  const rest = `,"context":${JSON.stringify(context)},"${rawName}":`
  return record.verbatim && verdict.status === 'accepted'
    ? [`${attributes}"review":`, raw, `,"verdict":{${rules}}${rest}`]
    : [attributes + dataOf(verdict, rules) + rest]
}

/** What records that were received together have in common, as it stands in their events. */
interface Common {
  readonly origin: string
  readonly receivedAt: number
  readonly ledgerRun: string
  readonly by: RuleVersions
  readonly source: string
  readonly time: string
  readonly run: string
  readonly rules: string
}

let common: Common | undefined

/** Records that were received together are encoded one after the other. */
function commonOf({ origin, receivedAt }: Received, ledgerRun: string, by: RuleVersions): Common {
  const isSame =
    common !== undefined &&
    common.receivedAt === receivedAt &&
    common.by === by &&
    common.origin === origin &&
    common.ledgerRun === ledgerRun
  if (common !== undefined && isSame) return common
  return (common = {
    origin,
    receivedAt,
    ledgerRun,
    by,
    source: JSON.stringify(`headwater:${origin}`),
    time: new Date(receivedAt).toISOString(),
    run: JSON.stringify(ledgerRun),
    rules: JSON.stringify(by).slice(1, -1),
  })
}

interface Kind {
  readonly type: string
  readonly dataschema: string
  /** The member of `data` that holds what was received. */
  readonly rawName: 'raw' | 'data'
}

const KINDS: Readonly<Record<Verdict['status'], Kind>> = {
  accepted: { type: 'review.received.v1', dataschema: 'urn:headwater:review-data:1', rawName: 'raw' },
  rejected: { type: 'review.rejected.v1', dataschema: 'urn:headwater:dead-letter-data:1', rawName: 'data' },
  removed: { type: 'review.removed.v1', dataschema: 'urn:headwater:removal-data:1', rawName: 'raw' },
  returned: { type: 'review.returned.v1', dataschema: 'urn:headwater:removal-data:1', rawName: 'raw' },
}

/** What decides the order in the queue: the product, or the origin where no product is known. */
export function subjectOf({ verdict, received }: ReviewRecord): string {
  return (verdict.status === 'accepted' ? verdict.review.product_id : verdict.product) ?? received.origin
}

/** Reads an event that `encodeEvent` made. Throws EVENT_UNREADABLE for anything else, and where raw is not what its hash says. */
export function decodeEvent(body: Buffer): Published {
  const head = headOf(body)
  const event = parseHead(head)
  try {
    return recordOf(event, rawIn(body, head, event))
  } catch (cause) {
    throw asNoEvent(body, cause)
  }
}

/**
 * What an event says before raw. Whatever a record came by, this is enough to know it again. Made without the event, which
 * may be larger than can be made.
 */
export function encodeHead(record: ReviewRecord): Buffer {
  return joined(headParts(record, record.ledger ?? UNPUBLISHED, record.key, eventEncodingOf(record)))
}

/** The record that a head and the bytes that were received stand for; raw is taken as it is. */
export function decodeHead(head: Buffer, raw: Buffer): ReviewRecord & { readonly rawHash: string } {
  const { ledger, encoding: _, ...record } = recordOf(parseHead(head), raw)
  return ledger.run === UNPUBLISHED.run ? record : { ...record, ledger }
}

/** When the item of a head was received. Quotes inside texts are escaped, so that this stands nowhere else before it. */
export function receivedAtOf(head: Buffer): number {
  const from = head.indexOf(TIME) + TIME.length
  return Date.parse(head.toString('latin1', from, head.indexOf('"', from)))
}

const TIME = '"time":"'

/** Stands for the publication of a record that never went through a queue. */
const UNPUBLISHED: LedgerEntry = { run: '', seq: 0 }

function recordOf(event: Event, raw: Buffer): Published {
  return {
    key: event.recordkey,
    received: receivedOf(event, event.data.context, raw),
    verdict: verdictOf(event.data, event.type === KINDS.returned.type),
    encoding: event.rawencoding,
    ledger: { run: event.ledgerrun, seq: Number(event.ledgerseq) },
    rawHash: event.rawhash.slice('sha256:'.length),
  }
}

/** What was received, as an event says it. */
export function receivedOf({ source, time }: Attributes, context: Context, raw: Buffer): Received {
  return { origin: source.slice('headwater:'.length), receivedAt: Date.parse(time), raw, context }
}

/** What an event says before its data, as far as it is read again. */
export interface Attributes {
  readonly id: string
  readonly type: string
  readonly source: string
  readonly subject: string
  readonly time: string
  readonly recordkey: string
  readonly ledgerrun: string
  readonly ledgerseq: string
  readonly rawhash: string
  readonly rawencoding: RawEncoding
}

interface Event extends Attributes {
  readonly data: Data
}

/** What an event says of its item, as far as it is read again. */
export type Data = AcceptedData | RejectedData | RemovalData

type Judgement = RuleVersions & {
  readonly sanitised?: readonly Change[]
  readonly derived?: readonly string[]
}

interface AcceptedData {
  readonly review: Review
  readonly verdict: Judgement
  readonly context: Context
}

interface RejectedData {
  readonly error: string
  readonly code: string
  readonly errors: readonly Fault[]
  readonly verdict: Judgement & Pick<Rejected, 'cluster' | 'product'>
  readonly context: Context
}

interface RemovalData extends Pick<Removal, 'review_id' | 'last_seen'> {
  readonly product_id?: string
  readonly verdict: Judgement
  readonly context: Context
}

/** The members of `data` before the context. */
function dataOf(verdict: Verdict, by: string): string {
  const { sanitised, derived } = verdict
  const rules =
    by +
    (sanitised === undefined ? '' : `,"sanitised":${JSON.stringify(sanitised)}`) +
    (derived === undefined ? '' : `,"derived":${JSON.stringify(derived)}`)
  if (verdict.status === 'accepted') {
    return `"review":${JSON.stringify(verdict.review)},"verdict":{${rules}}`
  }
  if (verdict.status !== 'rejected') {
    const { review_id, product: product_id, last_seen } = verdict
    return `${JSON.stringify({ review_id, product_id, last_seen }).slice(1, -1)},"verdict":{${rules}}`
  }
  const { code, errors, cluster, product } = verdict
  const named = product === undefined ? '' : `,"product":${JSON.stringify(product)}`
  return (
    `"error":${JSON.stringify(sentenceOf(verdict))},"code":${JSON.stringify(code)},"errors":${JSON.stringify(errors)},` +
    `"verdict":{${rules},"cluster":${JSON.stringify(cluster)}${named}}`
  )
}

/** What the item of an event is taken to be. */
export function verdictOf(data: Data, isReturned: boolean): Verdict {
  if ('review' in data) {
    const { sanitised, derived, ...by } = data.verdict
    return {
      status: 'accepted',
      review: data.review,
      by,
      ...(sanitised && { sanitised }),
      ...(derived && { derived }),
    }
  }
  if ('review_id' in data) {
    const { review_id, product_id: product, last_seen, verdict: by } = data
    return {
      status: isReturned ? 'returned' : 'removed',
      review_id,
      ...(product !== undefined && { product }),
      ...(last_seen && { last_seen }),
      by,
    }
  }
  const { sanitised: _, derived: __, cluster, product, ...by } = data.verdict
  const rejected = { status: 'rejected', code: data.code, errors: data.errors, cluster, by } as const
  return product === undefined ? rejected : { ...rejected, product }
}

/** What a person reads first in a dead letter: which field is at fault, and how. */
export function sentenceOf({ code, errors }: Pick<Rejected, 'code' | 'errors'>): string {
  const [first, ...rest] = errors
  return `${first?.message ?? code}${rest.length > 0 ? ` (and ${rest.length} more)` : ''}`
}

function memberOf(raw: Buffer, encoding: RawEncoding): string | Buffer {
  if (encoding === 'json') return raw
  return JSON.stringify(raw.toString(encoding === 'text' ? 'utf8' : 'base64'))
}

/** How long the member for raw is, without making it. */
function memberLength(raw: Buffer, encoding: RawEncoding): number {
  if (encoding === 'json') return raw.length
  if (encoding === 'base64') return 4 * Math.ceil(raw.length / 3) + 2
  let length = raw.length + 2
  for (let at = 0; at < raw.length; at++) length += escapeOf(raw[at] ?? 0)
  return length
}

/** How many bytes more a JSON string takes for this one. */
function escapeOf(byte: number): number {
  if (byte === 0x22 || byte === 0x5c) return 1
  if (byte >= 0x20) return 0
  return byte >= 0x08 && byte <= 0x0d && byte !== 0x0b ? 1 : 5
}

/** The bytes as received, behind the head of their event. Throws EVENT_UNREADABLE where the hash is that of others. */
export function rawIn(body: Buffer, head: Buffer, { id, rawencoding, rawhash }: Attributes): Buffer {
  const raw = rawOf(body.subarray(head.length, body.length - TAIL.length), rawencoding)
  if (`sha256:${hash('sha256', raw, 'hex')}` === rawhash) return raw
  throw new HeadwaterError('EVENT_UNREADABLE', `event ${id}: raw does not have the hash ${rawhash}`)
}

/** The bytes as received, out of the member that stands for them. */
function rawOf(member: Buffer, rawencoding: RawEncoding): Buffer {
  if (rawencoding === 'json') return member
  return Buffer.from(JSON.parse(member.toString()) as string, rawencoding === 'text' ? 'utf8' : 'base64')
}

/** Everything before raw, whose length stands in it. Throws EVENT_UNREADABLE where there is no such thing. */
export function headOf(body: Buffer): Buffer {
  const at = body.indexOf(RAW_LENGTH) + RAW_LENGTH.length
  const end = body.length - TAIL.length - Number.parseInt(body.toString('latin1', at, at + 16), 10)
  if (end > 0) return body.subarray(0, end)
  throw noEvent(body)
}

const RAW_LENGTH = '"rawlength":'

function parseHead(head: Buffer): Event {
  try {
    return JSON.parse(`${head.toString()}null}}`) as Event
  } catch (cause) {
    throw noEvent(head, cause)
  }
}

/** What reading bytes threw that are like an event in part, and in others not what an event says there. */
export function asNoEvent(body: Buffer, cause: unknown): HeadwaterError {
  return cause instanceof HeadwaterError ? cause : noEvent(body, cause)
}

/** For bytes that are none. */
export function noEvent({ length }: Buffer, cause?: unknown): HeadwaterError {
  return new HeadwaterError(
    'EVENT_UNREADABLE',
    `expected an event of Headwater, found ${length} other bytes`,
    { cause },
  )
}
