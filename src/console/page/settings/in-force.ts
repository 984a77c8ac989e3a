import type { Instant } from '../words.ts'

/** What /api answers about settings and changes. */

export interface SettingsDetails {
  readonly config: unknown
  readonly guarantees: readonly Guarantee[]
  readonly proof?: Proof
}

/** What the last audit has found. */
export interface Proof {
  readonly at: Instant
  readonly ok: boolean
  readonly records: number
  readonly bytes: number
  readonly problems: number
}

export interface Guarantee {
  readonly number: number
  readonly promise: string
  /** The titles of the tests that show it. */
  readonly tests: readonly string[]
}

export interface Changes {
  readonly changes: readonly {
    readonly id: string
    readonly at: Instant
    readonly who: string
    readonly what: string
    readonly about: string
    readonly details?: unknown
  }[]
  readonly after?: string
}
