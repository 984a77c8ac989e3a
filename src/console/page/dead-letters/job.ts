import type { Reason } from './letters.ts'
import type { Instant } from '../words.ts'

/** What /api answers about jobs. */

export type Job = LetterJob | ReplayJob

interface LetterJob extends JobProgress {
  readonly kind: 'redrive' | 'discard'
  readonly params: { readonly cluster: string }
}

export interface ReplayJob extends JobProgress {
  readonly kind: 'replay'
  readonly params: ReplayParams
}

interface ReplayParams {
  readonly from?: Instant
  readonly to: Instant
  readonly source?: string
  readonly product?: string
  /** Without one it only counts. */
  readonly target?: { readonly to: 'topic' | 'group' | 'all'; readonly name?: string }
}

interface JobProgress {
  readonly id: string
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
