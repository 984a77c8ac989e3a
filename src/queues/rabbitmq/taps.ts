import { setTimeout as sleep } from 'node:timers/promises'
import type { Taken, Tap } from './tap.ts'

export interface TapsOptions {
  /** Opens the tap of one queue; each is opened again and again until the signal aborts. */
  readonly open: readonly ((wake: () => void) => Promise<Tap>)[]
  /** How many readers there are, this one among them. */
  readonly countReaders: () => Promise<number>
  /** Told of each failure to read, and of each queue that is read again. */
  readonly onTrouble: (error: unknown) => void
  readonly onOpen: () => void
  /** Called when there may be something to take. */
  readonly wake: () => void
}

/** The queues of a group, as far as the broker gives them to this reader. */
export interface Taps {
  /** Keeps them open, and shares them with other readers, until the signal aborts. */
  run(stop: AbortSignal): void
  /** At most so many messages, of each queue in its order. */
  take(atMost: number): Taken[]
  settle(taken: Taken): Promise<void>
  /** Messages that were taken and are not acknowledged. */
  held(): number
  /** Messages that the broker gave and that are not acknowledged, as many as they were at the call or more. */
  unacknowledged(): Promise<number>
  /** Closes the channels: what was not taken goes back in its order, to whoever reads next. */
  close(): Promise<void>
}

const BALANCE_MS = 500
const CLOSE_MS = 1_000
const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 5_000

export function createTaps({ open, countReaders, onTrouble, onOpen, wake }: TapsOptions): Taps {
  const taps = new Set<Tap>()
  /** Those that are given back as soon as nothing of them is held. */
  const leaving = new Set<Tap>()
  let turn = 0

  /** Keeps one queue open. */
  async function keep(openTap: (wake: () => void) => Promise<Tap>, stop: AbortSignal): Promise<void> {
    for (let failures = 0; !stop.aborted; failures++) {
      try {
        const tap = await openTap(wake)
        failures = 0
        taps.add(tap)
        wake() // it may have been given messages already
        if (stop.aborted) await tap.close()
        else onOpen()
        const reason = await tap.closed
        taps.delete(tap)
        if (leaving.delete(tap) || stop.aborted) continue
        onTrouble(reason)
      } catch (error) {
        if (!stop.aborted) onTrouble(error)
      }
      await pause(Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures), stop)
    }
  }

  /** Gives back what is more than a fair share: the broker gives a queue to the reader that has waited for it longest. */
  async function balance(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await pause(BALANCE_MS, stop)
      const active = [...taps].filter((tap) => tap.isActive && !leaving.has(tap))
      if (active.length < 2) continue
      const readers = await countReaders().catch(() => 1) // its trouble is seen by who reads
      for (const tap of active.slice(Math.ceil(open.length / Math.max(1, readers)))) {
        leaving.add(tap)
        giveBack(tap)
      }
    }
  }

  function giveBack(tap: Tap): void {
    if (leaving.has(tap) && tap.held === 0) void tap.close()
  }

  return {
    run(stop) {
      for (const one of open) void keep(one, stop)
      void balance(stop)
    },
    take(atMost) {
      const takings: Taken[] = []
      const all = [...taps]
      let room = atMost
      turn++
      for (let n = 0; n < all.length && room > 0; n++) {
        const tap = all[(turn + n) % all.length]
        const taken = tap && !leaving.has(tap) ? tap.take(room) : undefined
        if (!taken) continue
        takings.push(taken)
        room -= taken.messages.length
      }
      return takings
    },
    async settle(taken) {
      await taken.tap.settle(taken)
      giveBack(taken.tap)
    },
    held: () => [...taps].reduce((sum, tap) => sum + tap.held, 0),
    async unacknowledged() {
      await Promise.all([...taps].map((tap) => tap.sync()))
      return [...taps].reduce((sum, tap) => sum + tap.held + tap.waiting, 0)
    },
    async close() {
      const all = Promise.all([...taps].map((tap) => tap.close()))
      await Promise.race([all, sleep(CLOSE_MS, undefined, { ref: false })]) // the broker may be silent
    },
  }
}

/** Half as long to as long, so that not all come at once. */
async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms * (0.5 + Math.random() / 2), undefined, { signal: stop }).catch(() => {})
}
