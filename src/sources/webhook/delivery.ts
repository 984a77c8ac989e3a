import type { Outcome } from '../../batch.ts'
import type { Received } from '../../review/received.ts'
import { Refused } from './refused.ts'

/** What a sender is told: how many items came, and what became of them. */
export interface Counts {
  readonly received: number
  readonly accepted: number
  readonly unchanged: number
  readonly rejected: number
}

export interface Answer extends Counts {
  /** Why items were rejected, the first of them. They are kept all the same. */
  readonly errors: readonly Complaint[]
}

export interface Complaint {
  /** Which item of the body, counted from 0. */
  readonly index: number
  readonly code: string
  readonly message: string
  readonly errors: readonly unknown[]
}

const MAX_COMPLAINTS = 20

/** The items of one request on their way, and the answer that its sender waits for. */
export class Delivery {
  readonly items: readonly Received[]
  readonly #answer = Promise.withResolvers<Answer>()
  readonly #settled: (counts: Counts) => void
  readonly #complaints: Complaint[] = []
  #answered = (): void => {}
  /** accepted + unchanged + rejected + pending is always the number of items. */
  #pending: number
  #accepted = 0
  #unchanged = 0
  #rejected = 0

  /** `settled` is called once, when the last item has its outcome, whether or not anybody still waits. */
  constructor(items: readonly Received[], settled: (counts: Counts) => void) {
    this.items = items
    this.#pending = items.length
    this.#settled = settled
  }

  /** Resolves when every item has its outcome; rejects with the `Refused` of `giveUp` where that comes first. */
  get answer(): Promise<Answer> {
    return this.#answer.promise
  }

  /** Called once the answer is there, whatever it is. */
  onAnswered(answered: () => void): void {
    this.#answered = answered
  }

  /** Answers 503. The items may still be settled; that is no longer told to this sender. */
  giveUp(reason: string): void {
    this.#answer.reject(new Refused(503, reason))
    this.#answered()
  }

  /** The outcomes of the items from `first` on. Each item once. */
  settle(first: number, outcomes: readonly Outcome[]): void {
    for (const [at, outcome] of outcomes.entries()) this.#count(first + at, outcome)
    this.#pending -= outcomes.length
    if (this.#pending > 0) return
    const counts = {
      received: this.items.length,
      accepted: this.#accepted,
      unchanged: this.#unchanged,
      rejected: this.#rejected,
    }
    this.#settled(counts)
    this.#answer.resolve({ ...counts, errors: this.#complaints })
    this.#answered()
  }

  #count(index: number, outcome: Outcome): void {
    if (outcome === 'accepted') this.#accepted++
    else if (outcome === 'unchanged') this.#unchanged++
    else {
      this.#rejected++
      const { code, message, errors = [] } = outcome
      if (this.#complaints.length < MAX_COMPLAINTS) this.#complaints.push({ index, code, message, errors })
    }
  }
}
