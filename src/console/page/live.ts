import { useEffect, useState } from 'preact/hooks'
import type { Now } from '../api/now.ts'
import { ANSWERS_AGAIN, ask } from './ask.ts'
import { type Look, lookOf } from './rates.ts'

/** What the server tells by itself, with the last minutes of it. */
export interface Live {
  /** `lost`: nothing has come for a while; the last figures stay. */
  readonly state: 'connecting' | 'live' | 'lost'
  readonly now?: Now
  readonly looks: readonly Look[]
}

const KEPT_MS = 10 * 60_000
/** The server tells something every two seconds. */
const SILENT_MS = 7_000
const AGAIN_MS = 2_000

let live: Live = { state: 'connecting', looks: [] }
const watchers = new Set<(live: Live) => void>()

function become(next: Live): void {
  live = next
  for (const watch of watchers) watch(live)
}

/** The state of the connection and its figures, again with each that comes. */
export function useLive(): Live {
  const [seen, see] = useState(live)
  useEffect(() => {
    see(live)
    watchers.add(see)
    return () => void watchers.delete(see)
  }, [])
  return seen
}

/**
 * Listens while the page is in sight, until the function that it returns is called, and connects again by itself for as long as
 * that takes. A tab that nobody sees would take one of the six connections that a browser has to a server.
 */
export function listen(): () => void {
  let events: EventSource | undefined
  let timer: ReturnType<typeof setTimeout>
  const ended = new AbortController()
  const isAway = (): boolean => ended.signal.aborted || document.hidden

  function connect(): void {
    disconnect()
    events = new EventSource('/api/live')
    events.addEventListener('now', ({ data }: MessageEvent<string>) => {
      heard(JSON.parse(data) as Now)
      expect()
    })
    events.addEventListener('error', find)
    expect()
  }
  function disconnect(): void {
    clearTimeout(timer)
    events?.close()
  }
  function expect(): void {
    clearTimeout(timer)
    timer = setTimeout(lose, SILENT_MS)
  }
  function lose(): void {
    if (isAway()) return
    disconnect()
    become({ ...live, state: 'lost' })
    timer = setTimeout(find, AGAIN_MS)
  }

  /** Asks for what it does not hear: where the session is over, the page asks for the token; where too many listen, it asks again. */
  function find(): void {
    disconnect()
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(SILENT_MS)])
    ask<Now>('/api/now', { signal }).then((now) => {
      if (isAway()) return
      heard(now)
      timer = setTimeout(connect, AGAIN_MS)
    }, lose)
  }

  const turn = (): void => (document.hidden ? disconnect() : connect())
  document.addEventListener('visibilitychange', turn, { signal: ended.signal })
  turn()
  return () => {
    ended.abort()
    disconnect()
  }
}

function heard(now: Now): void {
  if (live.state === 'lost') dispatchEvent(new Event(ANSWERS_AGAIN))
  const look = lookOf(now)
  const looks = live.looks.filter(({ atMs }) => atMs >= look.atMs - KEPT_MS && atMs < look.atMs)
  become({ state: 'live', now, looks: [...looks, look] })
}
