import { setTimeout as sleep } from 'node:timers/promises'
import { TransientError } from '../../errors.ts'
import { type PubsubMessage, sizeOf } from './message.ts'

/** What the service takes in one request, less what frames it. */
const MAX_MESSAGES = 1_000
const MAX_BYTES = 9_900_000

export interface Publisher {
  /**
   * Resolves when the service has them all. Calls go one after the other, in the order in which they were made. One that fails
   * fails those that wait behind it as well, so that nothing overtakes what its caller will repeat. Where `allow` throws, nothing
   * is published.
   */
  publish(
    messages: readonly PubsubMessage[],
    signal?: AbortSignal,
    allow?: () => Promise<void>,
  ): Promise<void>
}

interface Waiting {
  readonly begin: () => void
  readonly fail: (error: Error) => void
}

/** `send` publishes what fits into one request; a call waits for its turn for `timeoutMs` at most. */
export function createPublisher(
  send: (messages: readonly PubsubMessage[], signal?: AbortSignal) => Promise<void>,
  timeoutMs: number,
): Publisher {
  const waiting = new Set<Waiting>()
  let isBusy = false

  function turn(signal?: AbortSignal): Promise<void> {
    if (!isBusy) {
      isBusy = true
      return Promise.resolve()
    }
    const gone = new AbortController()
    return new Promise<void>((resolve, reject) => {
      const entry: Waiting = { begin: resolve, fail: reject }
      waiting.add(entry)
      const leave = (error: unknown): void => {
        if (waiting.delete(entry)) reject(error)
      }
      signal?.addEventListener('abort', () => leave(signal.reason), { signal: gone.signal })
      sleep(timeoutMs, undefined, { signal: gone.signal, ref: false }).then(
        () => leave(new TransientError('QUEUE_UNAVAILABLE', 'what was published before took too long')),
        () => {},
      )
    }).finally(() => gone.abort())
  }

  function next(): void {
    const [first] = waiting
    if (!first) {
      isBusy = false
      return
    }
    waiting.delete(first)
    first.begin()
  }

  function failAll(cause: TransientError): void {
    const message = `what was published before failed, and nothing overtakes it: ${cause.message}`
    for (const { fail } of waiting) fail(new TransientError('QUEUE_UNAVAILABLE', message, { cause }))
    waiting.clear()
  }

  return {
    async publish(messages, signal, allow) {
      signal?.throwIfAborted()
      await turn(signal)
      try {
        await allow?.()
        for (const request of requestsOf(messages)) await send(request, signal)
      } catch (error) {
        // Who was told to stop repeats nothing, and neither does who was told never.
        if (!signal?.aborted && error instanceof TransientError) failAll(error)
        throw error
      } finally {
        next()
      }
    },
  }
}

function* requestsOf(messages: readonly PubsubMessage[]): Generator<readonly PubsubMessage[]> {
  let from = 0
  let bytes = 0
  for (const [n, message] of messages.entries()) {
    const size = sizeOf(message)
    if (n > from && (n - from === MAX_MESSAGES || bytes + size > MAX_BYTES)) {
      yield messages.slice(from, n)
      from = n
      bytes = 0
    }
    bytes += size
  }
  if (from < messages.length) yield messages.slice(from)
}
