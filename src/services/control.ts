import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { HeadwaterError } from '../errors.ts'
import { createBell } from '../lib/bell.ts'
import { every } from '../lib/every.ts'
import type { Permit } from '../sources/source.ts'
import type { Entry, Registry } from '../stores/registry.ts'
import { openChanges } from './changes.ts'

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
  readonly wanted: 'pause' | 'resume' | 'poll'
  /** Why it is paused. */
  readonly reason?: string | undefined
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

  const stateOf = (source: string): SourceControl => states.get(source) ?? AS_CONFIGURED
  const first = refresh().catch(onTrouble)
  await Promise.race([first, sleep(FIRST_LOOK_MS, undefined, { ref: false })])
  const watching = every(LOOK_EVERY_MS, refresh, closed.signal, onTrouble)

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

/**
 * Notes who does it, and asks every process that runs a source to do so, within seconds; resolves to what holds then. Throws USAGE
 * where it is to poll and does not, and CONFLICT where it is paused.
 */
export async function changeSource(
  registry: Registry,
  { name, type }: { readonly name: string; readonly type: string },
  { wanted, reason, by, at, signal }: ControlChange,
): Promise<SourceControl> {
  if (wanted === 'poll' && type !== 'http-poll')
    throw new HeadwaterError('USAGE', `${name} is of the type ${type}: only an http-poll is polled`)
  const options = { ...(signal && { signal }) }

  function changed({ paused, pollAt, ...rest }: SourceControl): SourceControl {
    if (wanted === 'poll' && paused)
      throw new HeadwaterError('CONFLICT', `${name} is paused: resume it first`)
    if (wanted === 'poll') return { ...rest, paused, pollAt: at }
    const polled = pollAt === undefined ? {} : { pollAt }
    if (wanted === 'resume') return { paused: false, by, at, ...polled }
    return { paused: true, by, at, ...polled, ...(reason !== undefined && { reason }) }
  }

  async function write(): Promise<SourceControl> {
    while (true) {
      const entry = await registry.get(CONTROL + name, options)
      const after = changed(stateIn(entry))
      const value = Buffer.from(JSON.stringify(after))
      if (await registry.compareAndSet(CONTROL + name, entry?.revision ?? 0, value, options)) return after
    }
  }

  changed(await controlOf(registry, name, signal)) // what is refused is not noted
  const details = reason === undefined ? {} : { reason }
  const change = { who: by, what: `${wanted} source`, about: `source ${name}`, details }
  return openChanges(registry, () => at).make(change, write)
}

/** What operators want of one source now. */
export async function controlOf(
  registry: Registry,
  source: string,
  signal?: AbortSignal,
): Promise<SourceControl> {
  return stateIn(await registry.get(CONTROL + source, { ...(signal && { signal }) }))
}

async function read(registry: Registry, signal: AbortSignal): Promise<ReadonlyMap<string, SourceControl>> {
  const states = new Map<string, SourceControl>()
  for await (const entry of registry.list(CONTROL, { signal }))
    states.set(entry.name.slice(CONTROL.length), stateIn(entry))
  return states
}

/** What nobody can read says nothing. */
function stateIn(entry: Entry | undefined): SourceControl {
  if (entry === undefined) return AS_CONFIGURED
  try {
    return written.parse(JSON.parse(entry.value.toString()))
  } catch {
    return AS_CONFIGURED
  }
}
