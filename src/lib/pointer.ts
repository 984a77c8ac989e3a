import { segmentsOf } from './json-scan.ts'

/** Reads what a JSON pointer leads to; undefined where nothing is there. Own properties only. */
export type Getter = (value: unknown) => unknown

/** Compiles a pointer once, for reading many values. */
export function createGetter(pointer: string): Getter {
  const keys = segmentsOf(pointer)
  const [first] = keys
  if (keys.length === 1 && first !== undefined) return (value) => member(value, first)
  return (value) => keys.reduce(member, value)
}

/** A name as it stands in a JSON pointer. */
export const segmentOf = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

function member(value: unknown, key: string): unknown {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}
