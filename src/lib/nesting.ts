/** So many levels of lists and objects every parser and every database takes, and so do functions that call themselves. */
export const MOST_LEVELS = 64

/** Whether there are more of them in a parsed JSON value, however many. */
export function isTooDeep(value: unknown): boolean {
  let level = [value].filter(isContainer)
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MOST_LEVELS) return true
    level = level.flatMap((each): unknown[] => Object.values(each)).filter(isContainer)
  }
  return false
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null
