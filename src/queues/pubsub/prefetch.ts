import type { Held } from './lease.ts'

/** What was delivered and not yet handed over. */
export interface Prefetch {
  readonly size: number
  /** How many more messages may be asked for. */
  readonly room: number
  put(held: readonly Held[]): void
  take(maxItems: number): readonly Held[]
  /** Resolves at the next change, or when it is woken. */
  changed(): Promise<void>
  readonly wake: () => void
}

export interface Flow {
  readonly maxMessages: number
  readonly maxBytes: number
}

/** What one request to pull may ask for. */
const MAX_PULL = 1_000
/** How large messages are taken to be before any was seen. */
const FIRST_GUESS = 128 * 1_024
/** What a message takes beside its body. */
const FRAME = 512

/** A request can't be bounded in bytes, so it asks for as many as there is room for if all are like the largest of late. */
export function createPrefetch({ maxMessages, maxBytes }: Flow): Prefetch {
  const items: Held[] = []
  let bytes = 0
  let guess = FIRST_GUESS
  let waiting: (() => void)[] = []

  function wake(): void {
    const woken = waiting
    waiting = []
    for (const each of woken) each()
  }

  return {
    get size() {
      return items.length
    },
    get room() {
      if (items.length >= maxMessages || bytes >= maxBytes) return 0
      const fitting = Math.floor((maxBytes - bytes) / guess)
      return Math.max(1, Math.min(MAX_PULL, maxMessages - items.length, fitting))
    },
    put(held) {
      const sizes = held.map(sizeOf)
      if (sizes.length > 0) guess = Math.max(...sizes, guess / 2)
      bytes += sizes.reduce((sum, size) => sum + size, 0)
      items.push(...held)
      wake()
    },
    take(maxItems) {
      const taken = items.splice(0, maxItems)
      bytes -= taken.reduce((sum, held) => sum + sizeOf(held), 0)
      wake()
      return taken
    },
    changed: () => new Promise((resolve) => waiting.push(resolve)),
    wake,
  }
}

const sizeOf = ({ message: { body } }: Held): number => body.length + FRAME
