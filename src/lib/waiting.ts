/** Rejects with the signal's reason once it aborts; what was waited for goes on unheard. Nothing is left on the signal. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
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

/** Aborts after so long, with `late()` as its reason, or when `outer` does. Dispose of it as soon as the work is done. */
export function limit(ms: number, late: () => Error, outer?: AbortSignal): Limit {
  const own = new AbortController()
  const timer = setTimeout(() => own.abort(late()), ms)
  const stop = (): void => own.abort(outer?.reason)
  if (outer?.aborted) stop()
  else outer?.addEventListener('abort', stop, { once: true })
  return {
    signal: own.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', stop)
    },
  }
}

/** Rejects with `late()` after so long, or with the reason of the signal; what is under way goes on unheard. */
export async function within<T>(
  ms: number,
  work: Promise<T>,
  late: () => Error,
  signal?: AbortSignal,
): Promise<T> {
  using time = limit(ms, late, signal)
  return await abortable(work, time.signal)
}
