import type { Instant } from './words.ts'

/** What /api answers, as far as the page reads it: who asks and how it goes. The rest is in the folders of the pages. */

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
  readonly nextPoll?: {
    readonly state: 'now' | 'planned' | 'budget' | 'provider' | 'loading' | 'paused'
    readonly at?: Instant
  }
  readonly coverage?: { readonly told?: number; readonly fetched: number; readonly missing?: number }
  readonly polling?: {
    readonly calls: number
    readonly fresh: number
    readonly products: number
    readonly held: number
    readonly stalenessMs?: { readonly p50: number; readonly p95: number }
  }
}
