import { decodeEvent, decodeHead, encodeHead, headOf, rawIn, receivedOf, type Attributes } from './event.ts'
import type { Context } from './review/received.ts'
import type { Arrival, ReviewRecord } from './review/record.ts'
import { findableBy } from './review/verdict.ts'

/** A record as a store first takes it. */
export const arrivalOf = (record: ReviewRecord): Arrival => withHead(record, encodeHead(record))

function withHead({ key, received, verdict, ledger }: ReviewRecord, head: Buffer): Arrival {
  return { key, received, status: verdict.status, ...findableBy(verdict), ledger, head }
}

/** All that an arrival says of its record. */
export const recordOf = ({ head, received: { raw } }: Arrival): ReviewRecord => decodeHead(head, raw)

/**
 * Reads no more of an event than a store has to know: what it says of an accepted review is neither looked at nor built,
 * which is half of the work. Throws EVENT_UNREADABLE where it is none.
 */
export function readArrival(body: Buffer): Arrival {
  const head = headOf(body)
  const event = parseAround(head)
  if (event === undefined) return withHead(decodeEvent(body), head)
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

interface Around extends Attributes {
  readonly data: { readonly context: Context }
}

const BEFORE_REVIEW = ',"data":{"review":{'
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
