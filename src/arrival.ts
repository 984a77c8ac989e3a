import {
  asNoEvent,
  type Attributes,
  type Data,
  decodeEvent,
  encodeHead,
  headOf,
  noEvent,
  rawIn,
  receivedOf,
  verdictOf,
} from './event.ts'
import { isRecordKey } from './review/key.ts'
import type { Context } from './review/received.ts'
import type { Arrival, ReviewRecord } from './review/record.ts'
import type { Repair } from './review/repair.ts'
import { findableBy, type RuleVersions, type Verdict } from './review/verdict.ts'

/** A record as a store first takes it. */
export const arrivalOf = (record: ReviewRecord): Arrival => withHead(record, encodeHead(record))

function withHead({ key, received, verdict, ledger }: ReviewRecord, head: Buffer): Arrival {
  return { key, received, status: verdict.status, ...findableBy(verdict), ledger, head }
}

/**
 * All that an arrival says of its record. Of its head it parses what the arrival doesn't have, which is a good half. Throws
 * EVENT_UNREADABLE where that is none.
 */
export function recordOf(arrival: Arrival): ReviewRecord & { readonly rawHash: string } {
  const { key, received, status, ledger, head } = arrival
  const text = head.toString()
  const hashAt = text.indexOf(RAW_HASH) + RAW_HASH.length
  const dataAt = text.indexOf(DATA, hashAt) + DATA.length - 1
  try {
    const data = JSON.parse(`${text.slice(dataAt)}null}`) as Data
    const verdict = verdictOf(data, status === 'returned')
    if (!isJudged(verdict)) throw noEvent(head)
    const rawHash = text.slice(hashAt, hashAt + HASH_LENGTH)
    return { key, received, verdict, rawHash, ...(ledger && { ledger }) }
  } catch (cause) {
    throw asNoEvent(head, cause)
  }
}

/** Quotes inside texts are escaped, so that these stand nowhere else before the item's own. */
const RAW_HASH = ',"rawhash":"sha256:'
const DATA = ',"data":{'
const HASH_LENGTH = 64

/**
 * Reads no more of an event than a store has to know: what it says of an accepted review is neither looked at nor built,
 * which is half of the work. Throws EVENT_UNREADABLE where it is none.
 */
export function readArrival(body: Buffer): Arrival {
  const head = headOf(body)
  const event = parseAround(head)
  try {
    const arrival = event ? arrivalAround(event, body, head) : arrivalOfAny(body, head)
    if (isPlausible(arrival)) return arrival
  } catch (cause) {
    throw asNoEvent(body, cause)
  }
  throw noEvent(body)
}

function arrivalOfAny(body: Buffer, head: Buffer): Arrival {
  const record = decodeEvent(body)
  if (isJudged(record.verdict)) return withHead(record, head)
  throw noEvent(body)
}

function arrivalAround(event: Around, body: Buffer, head: Buffer): Arrival {
  if (!areRules(event.data.verdict)) throw noEvent(body)
  return {
    key: event.recordkey,
    received: receivedOf(event, event.data.context, rawIn(body, head, event)),
    status: 'accepted',
    product: event.subject, // every accepted review has one, by which its event is ordered
    cluster: undefined,
    ledger: { run: event.ledgerrun, seq: Number(event.ledgerseq) },
    head,
  }
}

/** Whether all that a store goes by is there: JSON of others may be like an event in part. */
const isPlausible = ({ key, received, product = '', cluster = '', ledger }: Arrival): boolean =>
  isRecordKey(key) &&
  received.receivedAt >= 0 &&
  received.receivedAt < LATEST &&
  isName(received.origin) &&
  typeof received.context?.source === 'string' &&
  typeof product === 'string' &&
  typeof cluster === 'string' &&
  isName(ledger?.run) &&
  Number.isSafeInteger(ledger?.seq)

/** No store sorts by later times than these: one of them ends in 2248. */
const LATEST = Date.UTC(2200, 0)

/** Whether a verdict has all that others go by, besides what its arrival is found by. */
function isJudged(verdict: Verdict): boolean {
  if (!areRules(verdict.by)) return false
  switch (verdict.status) {
    case 'accepted':
      return typeof verdict.review.product_id === 'string'
    case 'rejected':
      return typeof verdict.code === 'string' && Array.isArray(verdict.errors)
    case 'removed':
    case 'returned':
      return typeof verdict.review_id === 'string'
  }
}

const areRules = ({ preset, schema, repairs = [], patch = [] }: Partial<RuleVersions>): boolean =>
  typeof preset === 'string' &&
  typeof schema === 'string' &&
  Array.isArray(patch) &&
  Array.isArray(repairs) &&
  repairs.every(({ id }: Partial<Repair>) => typeof id === 'string')

/** As part of a name in the registry. */
const isName = (text: unknown): boolean =>
  typeof text === 'string' && text.length <= MOST_NAME && text.isWellFormed()
const MOST_NAME = 256

interface Around extends Attributes {
  readonly data: { readonly context: Context; readonly verdict: RuleVersions }
}

const BEFORE_REVIEW = `${DATA}"review":{`
const BEHIND_REVIEW = ',"verdict":{'

/**
 * The head of an accepted review without the review. Quotes inside texts are escaped, so that what is looked for is found
 * inside a review only as a member of an object in it: braces then don't match, and nothing is returned.
 */
function parseAround(head: Buffer): Around | undefined {
  const before = head.indexOf(BEFORE_REVIEW)
  const behind = before === -1 ? -1 : head.indexOf(BEHIND_REVIEW, before)
  if (behind === -1) return undefined
  const around = `${head.toString('utf8', 0, before)},"data":{${head.toString('utf8', behind + 1)}null}}`
  try {
    return JSON.parse(around) as Around
  } catch {
    return undefined
  }
}
