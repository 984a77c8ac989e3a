import type { Received } from './received.ts'
import type { Findable, Verdict } from './verdict.ts'

/** A received item and what it is taken to be. Key and received never change; the verdict may be replaced. */
export interface ReviewRecord {
  /** 32 hex digits: which review (16) and which content of it (16). Computed once, on arrival, never again. */
  readonly key: string
  readonly received: Received
  readonly verdict: Verdict
  /** How raw can travel inside JSON; looked up when it is needed and not known. */
  readonly encoding?: RawEncoding
  /** Raw itself is the review, as JSON: nothing had to be found, parsed, mended, completed or left out. */
  readonly verbatim?: true
  /** SHA-256 of raw in hex, where it is known: it was checked against raw and needn't be computed again. */
  readonly rawHash?: string
  /** The publication that brought it. Absent where it never went through a queue. */
  readonly ledger?: LedgerEntry
}

/** A record as a store first takes it: what it is found by, what was received, and in `head` all the rest. */
export interface Arrival extends Findable {
  readonly key: string
  readonly received: Received
  readonly status: Verdict['status']
  /** The beginning of the event that brought it, or would have: all that an event says but raw. */
  readonly head: Buffer
  readonly ledger: LedgerEntry | undefined
}

/** As JSON that every parser takes, verbatim; as a JSON string; or, where it is no UTF-8, as base64. */
export type RawEncoding = 'json' | 'text' | 'base64'

/** The number a publication has in its run (one start of a process): what the ledger counts. */
export interface LedgerEntry {
  readonly run: string
  readonly seq: number
}
