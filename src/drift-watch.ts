import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from './adapter.ts'
import { readDrift, writeDrift } from './drift-state.ts'
import { inParallel } from './lib/parallel.ts'
import type { Received } from './review/received.ts'
import type { Registry } from './stores/registry.ts'
import { ENOUGH_KNOWN } from './telemetry/drift/compare.ts'
import { createDriftObserver, type DriftObserver, type DriftState } from './telemetry/drift/observer.ts'
import { sentenceOf } from './telemetry/drift/words.ts'
import type { Health } from './telemetry/health.ts'

/** Watches how what sources hand over changes, and tells of it in their health. */
export interface DriftWatch extends AsyncDisposable {
  /** From now on this source is watched: what comes back is to be told of all that it hands over. */
  source(name: string): (items: readonly Received[]) => void
}

export interface DriftWatchOptions {
  readonly registry: Registry
  readonly health: Pick<Health, 'drifted'>
  readonly clock: () => number
  readonly steady: () => number
  readonly logger: Logger
}

const LOOK_EVERY_MS = 2_000
/** What a person has accepted is noticed within this. */
const READ_EVERY_MS = 5_000
const KEEP_EVERY_MS = 300_000
/** The registry may be away, and nobody waits longer for it. */
const PATIENCE_MS = 2_000
/** So many sources are looked at at a time: each may ask the registry. */
const AT_ONCE = 32

interface Watched {
  readonly name: string
  readonly observer: DriftObserver
  /** The revision of what is kept; undefined until it has been looked at. */
  revision?: number
  readAt: number
  keptAt: number
  /** What was found when it was kept. */
  kept: string
}

/**
 * Looks every two seconds until it is disposed of. What it knows is kept in the registry: once there is something new to tell,
 * and else every five minutes.
 */
export function watchDrift({ registry, health, clock, steady, logger }: DriftWatchOptions): DriftWatch {
  const all: Watched[] = []
  const closed = new AbortController()
  /** The sources of which nothing can be read or kept now. */
  const failing = new Set<string>()

  async function read(one: Watched): Promise<void> {
    const found = await readDrift(registry, one.name, AbortSignal.timeout(PATIENCE_MS))
    if (found && found.revision !== one.revision)
      one.observer.restore(found.state, { onlyKnown: one.revision !== undefined })
    Object.assign(one, { revision: found?.revision ?? 0, readAt: steady() })
  }

  /** Where somebody else was faster, a person or another process with this source, what is known is taken from there. */
  async function keep(one: Watched, state: DriftState, found: string): Promise<void> {
    const kept = { state, revision: one.revision ?? 0 }
    const isKept = await writeDrift(registry, one.name, kept, AbortSignal.timeout(PATIENCE_MS))
    if (isKept) Object.assign(one, { kept: found, keptAt: steady() })
    await read(one)
  }

  async function look(one: Watched): Promise<void> {
    const isLate = one.kept !== '' && steady() - one.readAt >= READ_EVERY_MS
    if (one.revision === undefined || isLate) await read(one)
    const drifts = one.observer.look()
    health.drifted(
      one.name,
      drifts.map(({ kind, field, ...drift }) => {
        return { kind, field, message: sentenceOf({ kind, field, ...drift }, drift.since) }
      }),
    )
    const state = one.observer.state()
    const isReady = state.known.samples >= ENOUGH_KNOWN
    const found = [isReady, ...drifts.map(({ kind, field }) => `${kind} ${field}`)].join(' ')
    const isDue = state.day.samples > 0 && steady() - one.keptAt >= KEEP_EVERY_MS
    if (isDue || (isReady && found !== one.kept)) await keep(one, state, found)
  }

  /** Does it for these sources, and warns once of those that fail until each succeeds. */
  async function quietly(sources: readonly Watched[], work: (one: Watched) => Promise<void>): Promise<void> {
    const failed: { readonly source: string; readonly error: unknown }[] = []
    await inParallel(
      sources,
      async (one) => {
        try {
          await work(one)
          failing.delete(one.name)
        } catch (error) {
          if (!failing.has(one.name)) failed.push({ source: one.name, error })
          failing.add(one.name)
        }
      },
      AT_ONCE,
    )
    const [first] = failed
    if (first) {
      const about = { sources: failed.map(({ source }) => source), error: first.error }
      logger.warn(about, 'what is known of the fields of sources can not be read or kept; trying again')
    }
  }

  async function watch(): Promise<void> {
    while (!closed.signal.aborted) {
      await quietly(all, look)
      await sleep(LOOK_EVERY_MS, undefined, { signal: closed.signal }).catch(() => {})
    }
    const unfinished = all.filter(({ name, revision }) => !failing.has(name) && revision !== undefined)
    await quietly(unfinished, async (one) => {
      const state = one.observer.state()
      if (state.day.samples > 0) await keep(one, state, one.kept)
    })
  }
  const watching = watch()

  return {
    source(name) {
      const observer = createDriftObserver({ clock, steady })
      all.push({ name, observer, readAt: 0, keptAt: steady(), kept: '' })
      return (items) => observer.observe(items)
    },
    async [Symbol.asyncDispose]() {
      closed.abort()
      await watching
    },
  }
}
