import type { Reason } from './letters.ts'
import type { Fields } from '../reviews/records.ts'
import type { Instant } from '../words.ts'

/** What /api answers about jobs. */

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
