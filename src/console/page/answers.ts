import type { Instant } from './words.ts'

/** What /api answers, as far as the page reads it; GET /api describes all of it. */

export interface Session {
  readonly role: 'operator' | 'reader'
  readonly needsToken: boolean
  readonly host: string
  readonly version: string
  readonly run: string
}

export interface Now {
  readonly at: Instant
  readonly ready: { readonly ok: boolean; readonly problems: readonly string[] }
  readonly alerts: readonly Alert[]
  readonly sources: readonly SourceFlow[]
  readonly topics: readonly Topic[]
  readonly freshness?: { readonly p50Ms: number; readonly p95Ms: number }
  readonly deadLetters: { readonly bytes?: number; readonly maxBytes: number }
  readonly disk?: { readonly freeBytes: number; readonly totalBytes: number }
  readonly eventLoopMs: number
}

export interface Alert {
  readonly name: string
  readonly severity: 'critical' | 'warning'
  readonly since: Instant
  readonly summary: string
  readonly todo: string
  readonly source?: string
}

/** Counters since the start of the process. */
export interface SourceFlow {
  readonly name: string
  readonly type: string
  readonly state: string
  readonly problem?: string
  readonly received: number
  readonly published: number
  readonly unchanged: number
  readonly rejected: number
  readonly stored?: number
  readonly lastAt?: Instant
  readonly paused: boolean
}

export interface Topic {
  readonly name: string
  readonly backlog?: number
  readonly oldestAgeMs?: number
}

export interface SourceDetails {
  readonly name: string
  readonly type: string
  readonly preset: string
  readonly enabled: boolean
  /** As in /health/sources; `elsewhere` where this process does not run it, `disabled` where none does. */
  readonly state: string
  readonly since?: Instant
  readonly problem?: string
  readonly paused: boolean
  readonly pause?: { readonly reason?: string; readonly by?: string; readonly at?: Instant }
  readonly breaker?: 'closed' | 'open'
  readonly quota?: { readonly until: Instant }
  readonly nextAt?: Instant
  readonly coverage?: { readonly told?: number; readonly fetched: number; readonly missing?: number }
  readonly polling?: {
    readonly calls: number
    readonly fresh: number
    readonly products: number
    readonly held: number
    readonly stalenessMs?: { readonly p50: number; readonly p95: number }
  }
}

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
  readonly timings: Fields
  /** Oldest first. */
  readonly versions: readonly Version[]
  readonly settled?: string
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

export interface ClusterSummary {
  readonly cluster: string
  readonly count: number
  readonly isMore: boolean
  readonly origin: string
  readonly source: string
  readonly preset: string
  readonly code: string
  readonly pointer: string
  readonly keyword: string
  readonly shape?: string
  readonly error: string
  readonly firstAt: Instant
  readonly lastAt: Instant
  readonly muted?: { readonly reason: string; readonly by: string; readonly at: Instant }
}

export interface ClusterDetails extends ClusterSummary {
  readonly samples: readonly Letter[]
  readonly suggestions: readonly Suggestion[]
}

export interface Suggestion {
  readonly title: string
  readonly steps: readonly Step[]
  readonly passes: number
  readonly of: number
}

export interface Preview {
  readonly looked: number
  readonly pass: number
  readonly fail: number
  readonly isMore: boolean
  readonly reasons: readonly Reason[]
  readonly samples: readonly Sample[]
}

export interface Reason {
  readonly code: string
  readonly message: string
  readonly count: number
}

export interface Sample {
  readonly key: string
  readonly before: Fields
  readonly after?: Fields
  readonly errors?: readonly Fault[]
}

export interface Job {
  readonly id: string
  readonly kind: 'redrive' | 'discard' | 'replay'
  readonly params: Fields
  readonly state: 'canary' | 'running' | 'paused' | 'stopped' | 'failed' | 'done'
  readonly why?: string
  readonly total?: number
  readonly done: number
  readonly passed: number
  readonly failed: number
  readonly reasons: readonly Reason[]
  readonly by: string
  readonly startedAt: Instant
  readonly updatedAt: Instant
}

export interface SettingsDetails {
  readonly config: unknown
  readonly guarantees: readonly {
    readonly number: number
    readonly promise: string
    readonly tests: readonly string[]
  }[]
  readonly proof?: unknown
}

export interface Changes {
  readonly changes: readonly {
    readonly at: Instant
    readonly who: string
    readonly what: string
    readonly about: string
    readonly details?: unknown
  }[]
  readonly after?: string
}
