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
