import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Does some work every so many milliseconds, the first time after as long, and resolves once the signal has aborted. What fails
 * is told, and done again in its turn.
 */
export async function every(
  ms: number,
  work: () => Promise<void>,
  signal: AbortSignal,
  onTrouble: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(ms, undefined, { signal })
      await work()
    } catch (error) {
      if (!signal.aborted) onTrouble(error)
    }
  }
}
