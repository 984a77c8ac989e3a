import { KINDS, type Kind } from './fields.ts'
import { joined, NOTHING, type Profile, profileOf } from './profile.ts'

/** The last so many items, or those of the last time: two halves, of which the older one is forgotten when the newer one is full. */
export interface Window {
  /** Another item begins. */
  begin(now: number): void
  add(pointer: string, kind: Kind): void
  /** Forgets what is too old. */
  roll(now: number): void
  profile(): Profile
  /** Goes on from what was saved, which takes the place of the older half. */
  restore(older: Profile): void
  /** Begins anew. */
  clear(): void
}

export interface Half {
  readonly samples: number
  /** For how long it has been filled. */
  readonly ms: number
}

/** `onForgotten` is told of each half that leaves the window. */
export function createWindow(
  isFull: (half: Half) => boolean,
  onForgotten: (half: Profile) => void = () => {},
): Window {
  let older: Profile = NOTHING
  let samples = 0
  let fields: Record<string, number[]> = {}
  let startedAt: number | undefined

  const newer = (): Profile => profileOf({ samples, fields })

  function roll(now: number): void {
    startedAt ??= now
    if (!isFull({ samples, ms: now - startedAt })) return
    if (older.samples > 0) onForgotten(older)
    older = newer()
    samples = 0
    fields = {}
    startedAt = now
  }

  return {
    begin(now) {
      roll(now)
      samples++
    },
    add(pointer, kind) {
      const kinds = (fields[pointer] ??= KINDS.map(() => 0))
      const at = KINDS.indexOf(kind)
      kinds[at] = (kinds[at] ?? 0) + 1
    },
    roll,
    profile: () => joined(older, newer()),
    restore(saved) {
      older = saved
    },
    clear() {
      older = NOTHING
      samples = 0
      fields = {}
      startedAt = undefined
    },
  }
}
