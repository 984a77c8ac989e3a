import { segmentOf } from '../lib/pointer.ts'

/** Something in an item, and the pointer that leads to it. */
export interface Place {
  readonly place: string
  readonly value: unknown
}

const MAX_PLACES = 300
const MAX_LEVELS = 4
/** Longer names, and those that steer a terminal, are in no pointer that a person types. */
const NAME = /^\P{Cc}{1,100}$/u

/** Where something stands in an object, and in the objects within it; those that are less deep first. */
export function placesIn(start: string, root: unknown): readonly Place[] {
  const found: Place[] = []
  let level: readonly Place[] = [{ place: start, value: root }]
  for (let depth = 0; depth < MAX_LEVELS; depth++) {
    level = level.flatMap(({ place, value }) => membersOf(place, value))
    found.push(...level)
    if (found.length > MAX_PLACES) break
  }
  return found.slice(0, MAX_PLACES).filter(({ value }) => value !== null && value !== '')
}

function membersOf(place: string, value: unknown): Place[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return []
  const members: Place[] = []
  for (const name in value) {
    if (members.length === MAX_PLACES) break
    if (!NAME.test(name)) continue
    members.push({ place: `${place}/${segmentOf(name)}`, value: (value as Record<string, unknown>)[name] })
  }
  return members
}
