/** Aborts with the first of them. Unlike `AbortSignal.any` it leaves nothing behind on those that live long. */
export function anyOf(causes: readonly AbortSignal[]): { readonly signal: AbortSignal; release(): void } {
  const stop = new AbortController()
  const abort = (): void => stop.abort()
  if (causes.some(({ aborted }) => aborted)) abort()
  for (const cause of causes) cause.addEventListener('abort', abort)
  return {
    signal: stop.signal,
    release: () => causes.forEach((cause) => cause.removeEventListener('abort', abort)),
  }
}

/** What the work resolves to, or the reason of the signal, if that comes before. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}
