import type { Delivery } from './delivery.ts'

/** Looks after deliveries whose senders wait, all of them for the same time at most. */
export interface Patience {
  add(delivery: Delivery): void
  /** Gives up all that still wait. */
  end(reason: string): void
}

/** One timer for all of them, which looks at the oldest: most are answered long before. */
export function createPatience(forMs: number): Patience {
  const waiting = new Map<Delivery, number>()
  let timer: NodeJS.Timeout | undefined

  function look(): void {
    timer = undefined
    const now = performance.now()
    for (const [delivery, until] of waiting) {
      if (until > now) return wait(until - now)
      delivery.giveUp('the reviews could not be queued in time')
    }
  }

  function wait(ms: number): void {
    timer = setTimeout(look, Math.ceil(ms)).unref() // the connections of those that wait keep the process
  }

  return {
    add(delivery) {
      waiting.set(delivery, performance.now() + forMs)
      delivery.onAnswered(() => waiting.delete(delivery))
      if (timer === undefined) wait(forMs)
    },
    end(reason) {
      clearTimeout(timer)
      for (const delivery of waiting.keys()) delivery.giveUp(reason)
    },
  }
}
