import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { HeadwaterError } from '../errors.ts'
import { createBell } from '../lib/bell.ts'
import type { Permit } from '../sources/source.ts'
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
  permitOf(source: string): Permit
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
  const bell = createBell()
  let states: ReadonlyMap<string, SourceControl> = new Map()

  async function refresh(): Promise<void> {
    states = await read(registry, closed.signal)
    bell.ring()
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
    permitOf: (source) => ({
      get isPaused() {
        return stateOf(source).paused
      },
      get pollAt() {
        return stateOf(source).pollAt
      },
      changed: (signal) => bell.wait(signal),
    }),
    async [Symbol.asyncDispose]() {
      closed.abort()
      await watching
      await first
    },
  }
}

/** The batches of a source, of which no more is asked for while it is paused. Ends when the signal aborts. */
export async function* whilePermitted<Item>(
  batches: AsyncIterable<Item>,
  permit: Permit,
  signal: AbortSignal,
): AsyncGenerator<Item> {
  const reading = batches[Symbol.asyncIterator]()
  try {
    while (!signal.aborted) {
      if (permit.isPaused) {
        await permit.changed(signal)
        continue
      }
      const { done, value } = await reading.next()
      if (done === true) return
      yield value
    }
  } finally {
    await reading.return?.()
  }
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

/** It shall poll as soon as it may. Throws USAGE where it does not poll, and CONFLICT while it is paused. */
export function pollSource(
  registry: Registry,
  { name, type }: { readonly name: string; readonly type: string },
  change: ControlChange,
) {
  if (type !== 'http-poll')
    throw new HeadwaterError('USAGE', `${name} is of the type ${type}: only an http-poll is polled`)
  return set(registry, name, change, (before) => {
    if (before.paused) throw new HeadwaterError('CONFLICT', `${name} is paused: resume it first`)
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
