import type { Instant } from '../words.ts'

/** What /api answers about records. */

/** A record in a list. */
export interface Summary {
  readonly key: string
  readonly origin: string
  readonly source: string
  readonly receivedAt: Instant
  readonly status: string
  readonly code?: string
  readonly error?: string
  readonly reviewId?: string
  readonly product?: string
  readonly rating?: number
  readonly title?: string
  readonly text?: string
}

export interface Found {
  readonly records: readonly Summary[]
  readonly after?: string
  readonly looked: number
  readonly isComplete: boolean
}

export interface Fault {
  readonly pointer: string
  readonly keyword: string
  readonly message: string
}

export type Fields = Readonly<Record<string, unknown>>

export interface Repair {
  readonly id: string
  readonly mends: Pick<Fault, 'pointer' | 'keyword'>
  readonly steps: readonly Step[]
  readonly kept?: true
}

/** What is done to a field; `steps.ts` of the page says what each is called. */
export type Step = Readonly<Record<string, string | number | boolean>>

export interface Verdict {
  readonly status: string
  readonly by: {
    readonly preset: string
    readonly schema: string
    readonly repairs?: readonly Repair[]
    readonly patch?: readonly unknown[]
  }
  readonly review?: Fields
  readonly code?: string
  readonly errors?: readonly Fault[]
  readonly cluster?: string
  readonly discarded?: { readonly reason: string; readonly at: Instant }
  readonly sanitised?: readonly { readonly field: string; readonly why: string }[]
  readonly derived?: readonly string[]
  readonly unpublished?: true
}

/** A record in full. */
export interface Letter {
  readonly key: string
  readonly revision: number
  readonly origin: string
  readonly receivedAt: Instant
  readonly verdict: Verdict
  readonly context: Fields
  readonly ledger?: { readonly run: string; readonly seq: number }
  readonly rawHash: string
  readonly raw?: string
  readonly rawBase64?: string
}

export interface PassportDetails extends Letter {
  readonly event?: { readonly id: string; readonly topic: string }
  readonly signature: string
  readonly timings: Timings
  /** Oldest first. */
  readonly versions: readonly Version[]
  readonly settled?: string
  /** Of a dead letter: what its preset finds, before it is judged. */
  readonly candidate?: Fields
}

export interface Timings {
  readonly receivedAt: Instant
  /** Absent where the row does not say it, and so is the time since it was received. */
  readonly storedAt?: Instant
  readonly storedAfterMs?: number
  /** The date that the review itself tells. */
  readonly writtenAt?: Instant
}

export interface Version {
  readonly key: string
  readonly receivedAt: Instant
  readonly status: string
  /** It is the one that was asked for. */
  readonly current: boolean
  readonly changed: readonly Changed[]
}

export interface Changed {
  readonly field: string
  readonly before?: unknown
  readonly after?: unknown
}
