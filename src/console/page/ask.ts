import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

/** What the API answered instead of what was asked for. */
export class Refused extends Error {
  readonly status: number
  readonly code: string | undefined
  constructor(message: string, status: number, code?: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

type Method = 'GET' | 'POST' | 'DELETE'

interface AskOptions {
  readonly method?: Method
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** Resolves to the answer. Rejects with `Refused`, whose message is a sentence for a person. */
export async function ask<T>(path: string, { method = 'GET', body, signal }: AskOptions = {}): Promise<T> {
  const response = await fetch(path, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    signal?.throwIfAborted()
    throw new Refused('Headwater does not answer. Is it running?', 0, String(error))
  })
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T
  if (response.status === 401) dispatchEvent(new Event(SIGNED_OUT))
  const told = (await response.json().catch(() => ({}))) as { error?: string; code?: string }
  throw new Refused(told.error ?? `${response.status} ${response.statusText}`, response.status, told.code)
}

/** Happens where the server no longer knows who asks. */
export const SIGNED_OUT = 'headwater-signed-out'

/** Happens where the server answers again after it did not. */
export const ANSWERS_AGAIN = 'headwater-answers-again'

export interface Answer<T> {
  /** The last that came, also while it is asked for again, and when that failed. */
  readonly data?: T
  readonly error?: Refused
  readonly isLoading: boolean
  readonly again: () => void
}

interface Held<T> {
  readonly path?: string
  readonly data?: T
  readonly error?: Refused
}

/** Asks for a path, anew when it changes, every so often, and once the server is back; nothing while it is undefined. */
export function useAnswer<T>(path: string | undefined, everyMs?: number): Answer<T> {
  const [held, hold] = useState<Held<T>>({})
  const [turn, setTurn] = useState(0)
  const again = useCallback(() => setTurn((n) => n + 1), [])

  useEffect(() => {
    if (path === undefined) return
    const ended = new AbortController()
    let timer: ReturnType<typeof setTimeout>
    ask<T>(path, { signal: ended.signal })
      .then(
        (data) => hold({ path, data }),
        (error: Refused) => {
          if (!ended.signal.aborted) hold((before) => ({ ...(before.path === path && before), path, error }))
        },
      )
      .finally(() => {
        if (everyMs !== undefined && !ended.signal.aborted) timer = setTimeout(again, everyMs)
      })
    return () => {
      ended.abort()
      clearTimeout(timer)
    }
  }, [path, turn, everyMs])

  const isUnanswered = held.error?.status === 0
  useEffect(() => {
    if (!isUnanswered) return
    addEventListener(ANSWERS_AGAIN, again)
    return () => removeEventListener(ANSWERS_AGAIN, again)
  }, [isUnanswered])

  if (held.path !== path) return { isLoading: path !== undefined, again }
  const { data, error } = held
  return { isLoading: false, again, ...(data !== undefined && { data }), ...(error && { error }) }
}

export interface Act {
  readonly isBusy: boolean
  readonly error?: Refused
  /** Runs it once; while it runs another call does nothing. */
  readonly act: (work: () => Promise<unknown>) => Promise<void>
}

/**
 * One thing that a person does at a time, and why it did not work. While it runs its buttons are `aria-disabled`: one that is
 * disabled loses the focus.
 */
export function useAct(): Act {
  const [state, setState] = useState<{ isBusy: boolean; error?: Refused }>({ isBusy: false })
  const isBusy = useRef(false)
  const act = useCallback(async (work: () => Promise<unknown>) => {
    if (isBusy.current) return
    isBusy.current = true
    setState({ isBusy: true })
    try {
      await work()
      setState({ isBusy: false })
    } catch (error) {
      setState({ isBusy: false, error: error instanceof Refused ? error : new Refused(String(error), 0) })
    } finally {
      isBusy.current = false
    }
  }, [])
  return { ...state, act }
}
