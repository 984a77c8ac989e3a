import { createGetter } from '../lib/pointer.ts'
import type { Preset, Sign } from './preset.ts'

/** A sign that a value shows, and the place where it does. */
export interface Shown<S extends Sign> {
  readonly sign: S
  readonly place: string
}

/** Finds the first of these signs that a value shows; undefined where it shows none. Never throws. */
export function createSigns<S extends Sign>(
  signs: readonly S[] = [],
): (value: unknown) => Shown<S> | undefined {
  const looks = signs.flatMap((sign) =>
    sign.when.map((place) => ({ sign, place, get: createGetter(place), isShown: comparison(sign) })),
  )
  return (value) => looks.find(({ get, isShown }) => isShown(get(value)))
}

/** Whether an item says that its review was deleted, as the preset knows. */
export function createRemovedSign({ removed }: Preset): (item: unknown) => boolean {
  const find = createSigns(removed)
  return (item) => find(item) !== undefined
}

function comparison({ equals, not, min, holds }: Sign): (found: unknown) => boolean {
  if (equals !== undefined) return (found) => found === equals
  if (not !== undefined) return (found) => isGiven(found) && found !== not
  if (min !== undefined) return (found) => typeof found === 'number' && found >= min
  if (holds === undefined) return isGiven
  const parts = holds.map((part) => part.toLowerCase())
  return (found) => typeof found === 'string' && parts.some((part) => found.toLowerCase().includes(part))
}

const isGiven = (found: unknown): boolean => found !== undefined && found !== null
