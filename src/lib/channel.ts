/**
 * A bounded hand-off from code that pushes to one loop that pulls. Nothing is ever pushed out: a full channel says so,
 * and what was sent before it closed is still drained.
 */
export class Channel<T> {
  readonly #capacity: number
  readonly #weigh: (item: T) => number
  readonly #waiting: T[] = []
  /** Wakes the loop, where it waits. */
  #wake: (() => void) | undefined
  #closed = false

  /** Holds at most `capacity` items; `weigh` says how much of a drained group one of them fills. */
  constructor(capacity: number, weigh: (item: T) => number = () => 1) {
    this.#capacity = capacity
    this.#weigh = weigh
  }

  get full(): boolean {
    return this.#waiting.length >= this.#capacity
  }

  get closed(): boolean {
    return this.#closed
  }

  /** False when the channel is closed or full: the pusher must say "not now". */
  trySend(item: T): boolean {
    if (this.#closed || this.full) return false
    this.#waiting.push(item)
    this.#notify()
    return true
  }

  /** Ends the drain once it has yielded what waits. */
  close(): void {
    this.#closed = true
    this.#notify()
  }

  /** Groups of whatever waits, oldest first: up to `maxWeight` together, or one heavier item alone. */
  async *drain(maxWeight: number): AsyncGenerator<T[], void, undefined> {
    while (true) {
      if (this.#waiting.length > 0) yield this.#waiting.splice(0, this.#fitting(maxWeight))
      else if (this.#closed) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  #fitting(maxWeight: number): number {
    let weight = 0
    const over = this.#waiting.findIndex((item) => {
      weight += this.#weigh(item)
      return weight > maxWeight
    })
    return over === -1 ? this.#waiting.length : Math.max(1, over)
  }

  #notify(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}
