import type { ServerResponse } from 'node:http'
import { TransientError } from '../errors.ts'
import { SAFE_HEADERS } from './safe-headers.ts'

/** Pages that listen to one thing that changes: it is computed once for all of them, and not at all for none. */
export interface Listeners {
  /**
   * Sends what was told last where that is still new, and what is told from now on, until the page goes, has no right to it any more,
   * or the end. Throws TOO_MANY_LISTENERS.
   */
  add(response: ServerResponse, isOver?: () => boolean): void
  /** Ends all streams; nobody can listen any more. */
  end(): void
}

export interface ListenersOptions {
  /** The name of the event, and what it tells. */
  readonly event: string
  readonly tell: () => Promise<unknown>
  readonly everyMs: number
  readonly most: number
  readonly onTrouble: (error: unknown) => void
}

interface Listener {
  /** How many events it has not read. */
  missed: number
  readonly isOver: () => boolean
}

const MOST_MISSED = 30

const HEADERS = {
  ...SAFE_HEADERS,
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // A proxy that gathers answers would keep them to itself.
  'x-accel-buffering': 'no',
} as const

/** As server-sent events. A page that does not read misses some, and holds nothing up. */
export function createListeners({ event, tell, everyMs, most, onTrouble }: ListenersOptions): Listeners {
  const listening = new Map<ServerResponse, Listener>()
  let timer: NodeJS.Timeout | undefined
  let isTelling = false
  let hasEnded = false
  let last = { message: '', at: -Infinity }

  async function turn(): Promise<void> {
    isTelling = true
    rest()
    const message = await tell().then(
      (told) => `event: ${event}\ndata: ${JSON.stringify(told)}\n\n`,
      (error: unknown) => {
        onTrouble(error)
        return ': no news\n\n' // still there
      },
    )
    isTelling = false
    last = { message, at: performance.now() }
    for (const [response, listener] of listening) send(response, message, listener)
    turnIn(everyMs)
  }

  function rest(): void {
    clearTimeout(timer)
    timer = undefined
  }

  /** Unless there is a turn to come, or nobody to be told. */
  function turnIn(ms: number): void {
    if (listening.size > 0 && !hasEnded) timer ??= setTimeout(() => void turn(), ms)
  }

  function send(response: ServerResponse, message: string, listener: Listener): void {
    if (listener.isOver()) return void response.end()
    listener.missed = response.writableNeedDrain ? listener.missed + 1 : 0
    if (listener.missed > MOST_MISSED) response.destroy()
    else if (!response.writableNeedDrain) response.write(message)
  }

  return {
    add(response, isOver = () => false) {
      if (hasEnded || listening.size >= most) {
        const message = `${most} pages listen already; close one of them`
        throw new TransientError('TOO_MANY_LISTENERS', message, { retryAfterMs: 10_000 })
      }
      const listener = { missed: 0, isOver }
      listening.set(response, listener)
      response.on('close', () => {
        listening.delete(response)
        if (listening.size === 0) rest()
      })
      response.writeHead(200, HEADERS).write('retry: 2000\n\n')
      if (isTelling) return
      const ageMs = performance.now() - last.at
      if (ageMs >= everyMs) return void turn()
      send(response, last.message, listener)
      turnIn(everyMs - ageMs)
    },
    end() {
      hasEnded = true
      rest()
      for (const response of listening.keys()) response.end()
    },
  }
}
