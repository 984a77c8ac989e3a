import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { HeadwaterError } from '../errors.ts'
import type { Registry } from '../stores/registry.ts'

/** What operators want of a source, whichever processes run it; it holds over restarts. */
export interface SourceControl {
  /** Nothing more is asked for or taken; what is in hand is finished. */
  readonly paused: boolean
  readonly reason?: string | undefined
  /** Who said so, and when in milliseconds since 1970. */
  readonly by?: string | undefined
  readonly at?: number | undefined
  /** What is polled is polled as soon as may be, where it was not since then. */
  readonly pollAt?: number | undefined
}

/** What is known of all sources, at most a few seconds old. */
export interface Control extends AsyncDisposable {
  stateOf(source: string): SourceControl
  /** Resolves once the source is not paused; rejects when the signal aborts. */
  open(source: string, signal: AbortSignal): Promise<void>
  /** Looks at once, for whoever has just changed something. */
  refresh(): Promise<void>
}

export interface ControlChange {
  readonly by: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly signal?: AbortSignal
}

const CONTROL = 'control/'
const LOOK_EVERY_MS = 2_000
/** A registry that is away keeps nobody from beginning. */
const FIRST_LOOK_MS = 1_000

const AS_CONFIGURED: SourceControl = { paused: false }

const written = z.object({
  paused: z.boolean(),
  reason: z.string().optional(),
  by: z.string().optional(),
  at: z.number().optional(),
  pollAt: z.number().optional(),
})

/** Looks at once and again every few seconds. While the registry can't be asked, what is known holds. */
export async function watchControl(
  registry: Registry,
  onTrouble: (error: unknown) => void,
): Promise<Control> {
  const closed = new AbortController()
  const waiting = new Set<() => void>()
  let states: ReadonlyMap<string, SourceControl> = new Map()

  async function refresh(): Promise<void> {
    states = await read(registry, closed.signal)
    for (const look of waiting) look()
  }

  async function watch(): Promise<void> {
    while (!closed.signal.aborted) {
      try {
        await sleep(LOOK_EVERY_MS, undefined, { signal: closed.signal })
        await refresh()
      } catch (error) {
        if (!closed.signal.aborted) onTrouble(error)
      }
    }
  }

  const stateOf = (source: string): SourceControl => states.get(source) ?? AS_CONFIGURED
  const first = refresh().catch(onTrouble)
  await Promise.race([first, sleep(FIRST_LOOK_MS, undefined, { ref: false })])
  const watching = watch()

  return {
    stateOf,
    refresh,
    async open(source, signal) {
      signal.throwIfAborted()
      if (!stateOf(source).paused) return
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = (): void => void (stateOf(source).paused || resolve())
      const stop = (): void => reject(signal.reason as Error)
      waiting.add(look)
      signal.addEventListener('abort', stop, { once: true })
      try {
        await promise
      } finally {
        waiting.delete(look)
        signal.removeEventListener('abort', stop)
      }
    },
    async [Symbol.asyncDispose]() {
      closed.abort()
      await watching
      await first
    },
  }
}

/** What is known of one source now. */
export async function controlOf(
  registry: Pick<Registry, 'get'>,
  source: string,
  signal?: AbortSignal,
): Promise<SourceControl> {
  const entry = await registry.get(CONTROL + source, { ...(signal && { signal }) })
  return entry ? stateIn(entry.value) : AS_CONFIGURED
}

/** From now on, and within seconds, no process asks or takes anything of it. */
export function pauseSource(
  registry: Registry,
  source: string,
  reason: string | undefined,
  change: ControlChange,
) {
  return set(registry, source, change, () => ({ paused: true, ...(reason !== undefined && { reason }) }))
}

export function resumeSource(registry: Registry, source: string, change: ControlChange) {
  return set(registry, source, change, () => ({ paused: false }))
}

/** What polls shall poll as soon as it may. Throws CONFLICT while the source is paused. */
export function pollSource(registry: Registry, source: string, change: ControlChange) {
  return set(registry, source, change, (before) => {
    if (before.paused) throw new HeadwaterError('CONFLICT', `${source} is paused: resume it first`)
    return { ...before, pollAt: change.at }
  })
}

async function set(
  registry: Registry,
  source: string,
  { by, at, signal }: ControlChange,
  change: (before: SourceControl) => SourceControl,
): Promise<SourceControl> {
  const name = CONTROL + source
  const options = { ...(signal && { signal }) }
  while (true) {
    const entry = await registry.get(name, options)
    const before = entry ? stateIn(entry.value) : AS_CONFIGURED
    const { pollAt } = before
    const after = { ...(pollAt !== undefined && { pollAt }), ...change(before), by, at }
    if (await registry.compareAndSet(name, entry?.revision ?? 0, Buffer.from(JSON.stringify(after)), options))
      return after
  }
}

async function read(registry: Registry, signal: AbortSignal): Promise<ReadonlyMap<string, SourceControl>> {
  const states = new Map<string, SourceControl>()
  for await (const { name, value } of registry.list(CONTROL, { signal }))
    states.set(name.slice(CONTROL.length), stateIn(value))
  return states
}

/** What nobody can read says nothing. */
function stateIn(value: Buffer): SourceControl {
  try {
    return written.parse(JSON.parse(value.toString()))
  } catch {
    return AS_CONFIGURED
  }
}
