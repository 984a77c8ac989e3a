import type { Subject } from './report.ts'
import type { Slot } from './slot.ts'

/**
 * What is kept of a product, or of a job of the provider's own. A class, since there may be 100,000 of them; what a job under
 * way needs is loaded when its turn comes, and forgotten once it is read.
 */
export class Seat {
  /** The name of this part of the source. */
  readonly part: string
  readonly subject: Subject
  /** How often in a row it met trouble. */
  failures = 0
  /** Nothing is done before. */
  waitUntil = 0
  /** When its next job may begin; Infinity while one is under way. */
  dueAt: number
  loaded: Loaded | undefined

  constructor(part: string, subject: Subject, dueAt: number) {
    this.part = part
    this.subject = subject
    this.dueAt = dueAt
  }

  /** When its next job may begin. */
  get readyAt(): number {
    return Math.max(this.waitUntil, this.dueAt)
  }

  /** When there is something to do about the job that is under way. */
  get goesOnAt(): number {
    return this.loaded?.slot?.readyAt ?? this.waitUntil
  }
}

/** As it was loaded under one fence. */
export interface Loaded {
  readonly fence: number
  readonly opening: Promise<Slot>
  /** Undefined until it is there. */
  slot: Slot | undefined
}
