/** Wakes whoever waits. A ring that nobody waits for is forgotten, so look first and wait in the same turn. */
export interface Bell {
  readonly ring: () => void
  /** Resolves at the next ring, when the signal aborts, or after so long. Never rejects. */
  wait(signal: AbortSignal, timeoutMs?: number): Promise<void>
}

export function createBell(): Bell {
  const sleepers = new Set<() => void>()
  return {
    ring() {
      for (const wake of sleepers) wake()
    },
    wait(signal, timeoutMs) {
      if (signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(wake, timeoutMs)
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
