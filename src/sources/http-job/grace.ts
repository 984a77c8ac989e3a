/** A process that is told to stop has some seconds more than this. */
const GRACE_MS = 7_000

/** Work that goes on for some seconds after `stop`, since it costs more to break it off. The signal of `now` ends it at once. */
export async function withGrace<T>(
  stop: AbortSignal,
  now: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const begin = (): void => {
    timer = setTimeout(() => late.abort(stop.reason), GRACE_MS)
  }
  if (stop.aborted) begin()
  else stop.addEventListener('abort', begin, { once: true })
  try {
    return await work(AbortSignal.any([late.signal, now]))
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', begin)
  }
}
