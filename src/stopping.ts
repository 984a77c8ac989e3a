import type { Logger } from './adapter.ts'

/** How the loops of one process are told to end: sources first, then, once those have ended, storage. */
export interface Stopping {
  /** Aborts when no more is to be read from sources. */
  readonly sources: AbortSignal
  /** Aborts when no more is to be read from queues. */
  readonly storage: AbortSignal
  /** Aborts when what is in hand is to be abandoned: it comes again. */
  readonly kill: AbortSignal
  /** Aborts when the whole is to stop, or was told to. */
  readonly asked: AbortSignal
  /** Ends reading from sources, and nothing else. */
  readonly endSources: () => void
  readonly endStorage: () => void
  /** Ends everything gently, or at once where that takes too long. */
  readonly stop: () => void
  readonly killNow: () => void
  /** No one need be ended by force any more. */
  readonly finished: () => void
}

/** Whoever told it to stop may end it by force after 10 s. */
const STOP_LIMIT_MS = 8_000

export function createStopping(logger: Logger): Stopping {
  const asked = new AbortController()
  const sources = new AbortController()
  const storage = new AbortController()
  const kill = new AbortController()
  let limit: NodeJS.Timeout | undefined

  function stop(): void {
    if (asked.signal.aborted) return
    asked.abort()
    sources.abort()
    limit = setTimeout(() => {
      const seconds = STOP_LIMIT_MS / 1_000
      logger.warn({}, `not finished after ${seconds} s; what is in hand is abandoned and comes again`)
      kill.abort(new Error('stopping took too long'))
    }, STOP_LIMIT_MS)
  }

  return {
    sources: sources.signal,
    storage: storage.signal,
    kill: kill.signal,
    asked: asked.signal,
    endSources: () => sources.abort(),
    endStorage: () => storage.abort(),
    stop,
    killNow() {
      kill.abort(new Error('told to stop at once'))
      stop()
    },
    finished: () => clearTimeout(limit),
  }
}

/**
 * Resolves when both have ended: sources first, once they are told to, then storage. What storage can't write must not pile up:
 * its end is the end of everything. Rejects with what ended it, unless it was abandoned.
 */
export async function runToTheEnd(
  sources: Promise<unknown>,
  storage: readonly Promise<void>[],
  stopping: Pick<Stopping, 'asked' | 'kill' | 'stop' | 'endStorage'>,
): Promise<void> {
  let failure: { readonly reason: unknown } | undefined
  for (const one of storage)
    one.catch((reason: unknown) => {
      if (!stopping.kill.aborted) failure ??= { reason }
      stopping.stop()
    })
  await until(stopping.asked)
  await sources
  stopping.endStorage()
  await Promise.allSettled(storage)
  if (failure) throw failure.reason
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
