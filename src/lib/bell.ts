/** Wakes whoever waits. A ring that nobody waits for is forgotten, so look first and wait in the same turn. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, after the time is over, or when the signal aborts. Never rejects. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  const sleepers = new Set<() => void>()
  return {
    ring() {
      for (const wake of sleepers) wake()
    },
    wait(timeoutMs, signal) {
      if (signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const timer = setTimeout(wake, timeoutMs)
        sleepers.add(wake)
        signal.addEventListener('abort', wake)
        function wake(): void {
          clearTimeout(timer)
          sleepers.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
      })
    },
  }
}
