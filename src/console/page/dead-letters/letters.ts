import type { Fault, Fields, Letter, Step } from '../reviews/records.ts'
import type { Instant } from '../words.ts'

/** What /api answers about dead letters. */

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
