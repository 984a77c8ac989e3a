import type { Received } from '../../review/received.ts'
import { compare, type Drift } from './compare.ts'
import { eachField, membersOf } from './fields.ts'
import { joined, NOTHING, type Profile } from './profile.ts'
import { createWindow } from './window.ts'

/** Looks at some of the items of one source, and tells how they differ from what they used to be. */
export interface DriftObserver {
  /** Looks at a sample of them: at most 50 items a second in the long run, 500 at once. Never throws. */
  observe(items: readonly Received[]): void
  /** Compares what came lately with what is known. */
  look(): readonly Standing[]
  /** All that is worth keeping over a restart. */
  state(): DriftState
  /**
   * Goes on from what was kept; with `onlyKnown` only what is known is taken from there, and what came before it was accepted
   * counts no longer.
   */
  restore(saved: DriftState, options?: { readonly onlyKnown?: boolean }): void
}

/** A drift, and since when it has been found. */
export interface Standing extends Drift {
  /** Milliseconds since 1970. */
  readonly since: number
}

/** JSON. */
export interface DriftState {
  /** When it was so, in milliseconds since 1970, as all times here. */
  readonly at: number
  /** The baseline: what items look like when all is well. */
  readonly known: Profile
  readonly latest: Profile
  readonly hour: Profile
  readonly day: Profile
  readonly firstSeen: Readonly<Record<string, number>>
  readonly drifts: readonly Standing[]
  /** When a person last took what had drifted for what is usual. */
  readonly acceptedAt?: number | undefined
  /** There are more fields than are watched. */
  readonly isMore: boolean
}

/** So many fields of a source are watched. */
const MAX_FIELDS = 300
/** What is known grows until so many items were seen. */
const LEARNED = 2_000
/** Half of the window that changes are seen in first. */
const LATEST = 250
const HALF_HOUR_MS = 1_800_000
const HALF_DAY_MS = 12 * 3_600_000

const PER_SECOND = 50
const AT_ONCE = 500
/** The part of a step by which each batch's sample is moved: no two batches in a row are looked at in the same places. */
const GOLDEN = 0.618_033_988_75

export interface ObserverOptions {
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds that nobody sets. */
  readonly steady: () => number
}

/** Knows nothing yet. */
export function createDriftObserver({ clock, steady }: ObserverOptions): DriftObserver {
  let known: Profile = NOTHING
  let drifts: readonly Standing[] = []
  const firstSeen = new Map<string, number>()
  let isMore = false
  let acceptedAt: number | undefined
  const latest = createWindow(({ samples }) => samples >= LATEST, learn)
  const hour = createWindow(({ ms }) => ms >= HALF_HOUR_MS)
  const day = createWindow(({ ms }) => ms >= HALF_DAY_MS)
  const windows = [latest, hour, day]
  let allowance = AT_ONCE
  let allowedAt = steady()
  let batches = 0

  /** What has drifted is not learned: it would soon be taken for what is usual. */
  function learn(half: Profile): void {
    if (known.samples >= LEARNED) return
    look()
    const drifted = new Set(drifts.map(({ field }) => field))
    known = joined(known, half, (field) => !drifted.has(field))
  }

  function look(): readonly Standing[] {
    const found = compare(known, { latest: latest.profile(), hour: hour.profile(), day: day.profile() })
    drifts = found.map((drift) => {
      const before = drifts.find(({ kind, field }) => kind === drift.kind && field === drift.field)
      return { ...drift, since: before?.since ?? clock() }
    })
    return drifts
  }

  function take(item: Received, now: number): void {
    const members = membersOf(item)
    if (members === undefined) return
    for (const window of windows) window.begin(now)
    eachField(members, (pointer, kind) => {
      if (isWatched(pointer)) for (const window of windows) window.add(pointer, kind)
    })
  }

  function isWatched(pointer: string): boolean {
    if (firstSeen.has(pointer)) return true
    if (firstSeen.size >= MAX_FIELDS) {
      isMore = true
      return false
    }
    firstSeen.set(pointer, clock())
    return true
  }

  function allowed(now: number): number {
    allowance = Math.min(AT_ONCE, allowance + ((now - allowedAt) * PER_SECOND) / 1_000)
    allowedAt = now
    return Math.floor(allowance)
  }

  return {
    observe(items) {
      const now = steady()
      const count = Math.min(items.length, allowed(now))
      if (count === 0) return
      allowance -= count
      const phase = (batches++ * GOLDEN) % 1
      for (let n = 0; n < count; n++) {
        const item = items[Math.floor(((n + phase) * items.length) / count)]
        if (item) take(item, now)
      }
    },
    look() {
      for (const window of [hour, day]) window.roll(steady())
      return look()
    },
    state: () => ({
      at: clock(),
      known,
      latest: latest.profile(),
      hour: hour.profile(),
      day: day.profile(),
      firstSeen: Object.fromEntries(firstSeen),
      drifts,
      acceptedAt,
      isMore,
    }),
    restore(saved, { onlyKnown = false } = {}) {
      known = saved.known
      for (const [pointer, at] of Object.entries(saved.firstSeen))
        if (firstSeen.has(pointer) || firstSeen.size < MAX_FIELDS) firstSeen.set(pointer, at)
      const isAccepted = saved.acceptedAt !== acceptedAt
      acceptedAt = saved.acceptedAt
      if (onlyKnown) {
        if (isAccepted) for (const window of windows) window.clear()
        return
      }
      drifts = saved.drifts
      const ageMs = clock() - saved.at
      latest.restore(saved.latest)
      if (ageMs < 2 * HALF_HOUR_MS) hour.restore(saved.hour)
      if (ageMs < 2 * HALF_DAY_MS) day.restore(saved.day)
    },
  }
}

/** What has drifted is taken for what is usual from now on; what came lately is what has drifted, and is counted anew. */
export function accepted(state: DriftState, now: number): DriftState {
  const changed = state.drifts.map((drift) => [drift.field, drift.now] as const)
  const fields = { ...state.known.fields, ...Object.fromEntries(changed) }
  const known = { ...state.known, fields }
  return { ...state, known, latest: NOTHING, hour: NOTHING, day: NOTHING, drifts: [], acceptedAt: now }
}
