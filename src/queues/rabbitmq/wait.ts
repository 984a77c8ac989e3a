/** Rejects with the signal's reason once it aborts; what was waited for goes on unheard. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

export interface Limit extends Disposable {
  readonly signal: AbortSignal
}

/** Aborts after so long, with `late()` as its reason, or when `signal` does. Dispose of it as soon as the work is done. */
export function limit(ms: number, late: () => Error, signal?: AbortSignal): Limit {
  const own = new AbortController()
  const timer = setTimeout(() => own.abort(late()), ms)
  return {
    signal: signal ? AbortSignal.any([signal, own.signal]) : own.signal,
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}

/** Wakes all who wait. */
export interface Bell {
  readonly ring: () => void
  /** Resolves when the bell rings or the signal aborts, or after so long. */
  wait(signal: AbortSignal, ms?: number): Promise<void>
}

export function createBell(): Bell {
  const waiting = new Set<() => void>()
  return {
    ring() {
      for (const wake of waiting) wake()
    },
    wait(signal, ms) {
      return new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake)
          clearTimeout(timer)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        const timer = ms === undefined ? undefined : setTimeout(wake, ms)
        if (signal.aborted) return wake()
        waiting.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      })
    },
  }
}
