import type { Batch } from '../../batch.ts'
import { untilDone } from '../../lib/until-done.ts'
import type { Received } from '../../review/received.ts'
import { type Checkpoint, isTaken } from '../checkpoint.ts'
import type { State } from './state.ts'

/** Saves the states of a slot in their order: one that is behind items not before those are acknowledged. */
export interface Saving {
  /** How many batches were handed over and not acknowledged yet. */
  readonly open: number
  /** Resolves when it is durable, unless items before it are open. */
  save(next: State, signal: AbortSignal): Promise<void>
  /** The items as a batch, which saves what is behind them, and then calls `passed`. */
  handOver(next: State, items: readonly Received[], passed: () => void): Batch<Received>
}

export interface SavingParts {
  /** Repeats what the registry could not do for now, until it is done. */
  readonly insist: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>
  /** From then on nothing is acknowledged. */
  readonly disposed: AbortSignal
}

export function createSaving(checkpoint: Checkpoint<State>, { insist, disposed }: SavingParts): Saving {
  let open = 0
  return {
    get open() {
      return open
    },
    save: (next, signal) => insist(checkpoint.handOver(next), signal),
    handOver(next, items, passed) {
      const acknowledge = checkpoint.handOver(next)
      open++
      const ack = untilDone(async () => {
        if (disposed.aborted) return
        try {
          await acknowledge()
        } catch (error) {
          // What was handed over is safe all the same; whoever has the job now may hand it over again.
          if (isTaken(error)) return
          throw error
        }
        open--
        passed()
      })
      return { items, ack }
    },
  }
}
