import type { State } from './state.ts'

/** How often jobs of a source were answered in this process, by how far each had come. */
export type Answered = Map<State['phase'], number>

/** Counts the trouble that one job meets in a row. */
export interface Patience {
  /** Whether the same thing was refused, or was unreadable, so often that the result is to be given up. */
  readonly isRefused: boolean
  /** Whether others were answered again and again in between, at the same step: the trouble is no outage. */
  readonly isAlone: boolean
  met(phase: State['phase'], isRefusal: boolean): void
  /** It was answered. */
  answered(phase: State['phase']): void
  renew(): void
}

export const MAX_REFUSALS = 5
/** So often others are answered in between before the trouble is this job's own. At the pace at which trouble is tried again that takes half an hour or more. */
const MAX_ALONE = 20

export function createPatience(answers: Answered): Patience {
  let refusals = 0
  /** How often others were answered between two troubles of this job. */
  let alone = 0
  let before: number | undefined

  const countAt = (phase: State['phase']): number => answers.get(phase) ?? 0

  function renew(): void {
    refusals = alone = 0
    before = undefined
  }

  return {
    get isRefused() {
      return refusals >= MAX_REFUSALS
    },
    get isAlone() {
      return alone >= MAX_ALONE
    },
    met(phase, isRefusal) {
      const count = countAt(phase)
      if (isRefusal) refusals++
      if (before !== undefined && count > before) alone++
      before = count
    },
    answered(phase) {
      answers.set(phase, countAt(phase) + 1)
      renew()
    },
    renew,
  }
}
