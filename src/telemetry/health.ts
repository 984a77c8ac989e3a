import { redactText } from '../lib/redact.ts'
import { abortable, limit } from '../lib/waiting.ts'
import type { DriftKind } from './drift/compare.ts'

/** What this process says about itself, without secrets. Plain data goes out; whoever serves it decides how. */
export interface Health {
  /** Watches a loop: it is stuck when it works on one turn for longer than `limitMs`. */
  loop(name: string, limitMs: number): Loop
  /** Something that must answer before work can be accepted: resolves if it does, throws why if not. */
  require(name: string, check: (signal: AbortSignal) => Promise<unknown>): void
  /** A source to tell about. Its trouble takes nobody out of a load balancer. */
  source(name: string, type: string): (state: SourceState, detail?: string) => void
  /**
   * What a source says of itself: an error that it tries to get over, or `undefined` once it has. Until then it is failing,
   * whatever else is told of it, unless it has ended. It may be told before `source` is.
   */
  trouble(name: string, error: unknown): void
  /** All fields of what a source sends that are not what they were. It changes no state. */
  drifted(name: string, drifted: readonly Drifted[]): void
  /** Whether every loop turns. */
  live(): { readonly ok: boolean; readonly loops: readonly LoopHealth[] }
  /** Whether everything required answers within the limit. Asked twice at once, it looks once. */
  ready(): Promise<{ readonly ok: boolean; readonly checks: readonly CheckHealth[] }>
  /** One that operators have paused is that and nothing else until it goes on, unless it has ended. */
  sources(): readonly SourceHealth[]
}

/** Whether operators have paused a source. */
export interface Pause {
  readonly paused: boolean
  /** When they have said so last, in milliseconds since 1970; undefined where they never have. */
  readonly at?: number | undefined
}

export interface Loop {
  /** One turn is done, and the next begins. */
  turned(): void
  /** Nothing to do: waiting for work, however long, is no fault. `turned` ends it. */
  idle(): void
  /** It has ended as it should, and is watched no more. */
  ended(): void
}

/** Every state that a source may be in. */
export const SOURCE_STATES = ['starting', 'running', 'waiting', 'failing', 'paused', 'ended'] as const
export type SourceState = (typeof SOURCE_STATES)[number]

export interface LoopHealth {
  readonly name: string
  readonly ok: boolean
  readonly idle: boolean
  readonly sinceTurnMs: number
}

export interface CheckHealth {
  readonly name: string
  readonly ok: boolean
  readonly detail?: string
}

export interface SourceHealth {
  readonly name: string
  readonly type: string
  readonly state: SourceState
  /** Since when it has been in this state, RFC 3339. */
  readonly since: string
  readonly detail?: string
  /** Fields of what it sends that are not what they were; absent where there are none. */
  readonly drifted?: readonly Drifted[]
}

export interface Drifted {
  readonly kind: DriftKind
  /** A JSON pointer into the item as it is received. */
  readonly field: string
  /** A sentence for a person. */
  readonly message: string
}

export interface HealthOptions {
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds that nobody sets, for durations. */
  readonly steady: () => number
  /** Of a source, by its name; none is paused unless told. */
  readonly pauseOf?: (source: string) => Pause
  /** How long a check may take. */
  readonly checkLimitMs?: number
}

/** Starts with nothing to watch, and so live and ready. */
export function createHealth({
  clock,
  steady,
  pauseOf = () => ({ paused: false }),
  checkLimitMs = 1_000,
}: HealthOptions): Health {
  const loops = new Set<{
    readonly name: string
    readonly limitMs: number
    turnedAt: number
    isIdle: boolean
  }>()
  const checks = new Map<string, (signal: AbortSignal) => Promise<unknown>>()
  const sources = new Map<string, SourceHealth>()
  /** What was told of each source by others, and by itself. */
  const told = new Map<string, Omit<SourceHealth, 'since'>>()
  const troubles = new Map<string, string>()
  const drifts = new Map<string, readonly Drifted[]>()
  let looking: Promise<readonly CheckHealth[]> | undefined

  async function look(): Promise<readonly CheckHealth[]> {
    return Promise.all([...checks].map(([name, check]) => checkOne(name, check, checkLimitMs)))
  }

  function show(name: string): void {
    const source = told.get(name)
    if (source === undefined) return
    const trouble = troubles.get(name)
    const isOwn = trouble !== undefined && source.state !== 'failing' && source.state !== 'ended'
    const now = isOwn ? { ...source, state: 'failing' as const, detail: trouble } : source
    const known = sources.get(name)
    const since = known?.state === now.state ? known.since : new Date(clock()).toISOString()
    sources.set(name, { ...now, since })
  }

  function asPaused(source: SourceHealth): SourceHealth {
    const { name, type, state, since } = source
    const { paused, at } = pauseOf(name)
    if (!paused || state === 'ended') return source
    return { name, type, state: 'paused', since: at === undefined ? since : new Date(at).toISOString() }
  }

  return {
    loop(name, limitMs) {
      const loop = { name, limitMs, turnedAt: steady(), isIdle: false }
      loops.add(loop)
      return {
        turned: () => void Object.assign(loop, { turnedAt: steady(), isIdle: false }),
        idle: () => void Object.assign(loop, { turnedAt: steady(), isIdle: true }),
        ended: () => void loops.delete(loop),
      }
    },

    require: (name, check) => void checks.set(name, check),

    source(name, type) {
      function tell(state: SourceState, detail?: string): void {
        told.set(name, { name, type, state, ...(detail !== undefined && { detail: redactText(detail) }) })
        show(name)
      }
      tell('starting')
      return tell
    },

    trouble(name, error) {
      if (error === undefined) troubles.delete(name)
      else troubles.set(name, redactText(wordsOf(error)))
      show(name)
    },

    drifted: (name, drifted) => void drifts.set(name, drifted),

    live() {
      const now = steady()
      const found = [...loops].map(({ name, limitMs, turnedAt, isIdle }) => {
        const sinceTurnMs = now - turnedAt
        return { name, ok: isIdle || sinceTurnMs <= limitMs, idle: isIdle, sinceTurnMs }
      })
      return { ok: found.every(({ ok }) => ok), loops: found }
    },

    async ready() {
      looking ??= look().finally(() => {
        looking = undefined
      })
      const found = await looking
      return { ok: found.every(({ ok }) => ok), checks: found }
    },

    sources: () =>
      [...sources.values()].map(asPaused).map((source) => {
        const drifted = drifts.get(source.name) ?? []
        return drifted.length > 0 ? { ...source, drifted } : source
      }),
  }
}

async function checkOne(
  name: string,
  check: (signal: AbortSignal) => Promise<unknown>,
  limitMs: number,
): Promise<CheckHealth> {
  try {
    await limited(check, limitMs)
    return { name, ok: true }
  } catch (error) {
    return { name, ok: false, detail: redactText(wordsOf(error)) }
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What the work resolves to. Where that takes longer than the limit, the work is aborted and this rejects at once. */
export async function limited<T>(work: (signal: AbortSignal) => Promise<T>, limitMs: number): Promise<T> {
  using time = limit(limitMs, () => new Error(`no answer within ${limitMs} ms`))
  return await abortable(work(time.signal), time.signal)
}
