import { nearest } from '../lib/nearest.ts'
import { writeBytes, writeDuration } from '../lib/units.ts'
import type { Address } from '../lib/fields.ts'
import { childOf, fields, objects, type Path, type Shape, unitOf } from './shape.ts'

/**
 * A value as code reads it: camelCase for the snake_case that users write; keys of free maps stay as they are. Every key
 * that nobody knows is told and left out.
 */
export function toCode(
  value: unknown,
  shape: Shape,
  path: Path,
  unknown: (path: Path, hint: string) => void,
): unknown {
  if (Array.isArray(value)) {
    return value.map((item, n) => toCode(item, childOf(shape, n), [...path, n], unknown))
  }
  if (!isMapping(value)) return value
  const keys = new Map(fields(shape).map((field) => [field.written, field.key]))
  const entries = Object.entries(value).flatMap(([written, item]) => {
    const here = [...path, written]
    const key = keys.get(written) ?? (isClosed(shape) ? undefined : written)
    if (key !== undefined) return [[key, toCode(item, childOf(shape, key), here, unknown)] as const]
    unknown(here, suggestion(written, [...keys.keys()]))
    return []
  })
  return Object.fromEntries(entries)
}

/** A value as users write it: their keys, their units. What is undefined is left out. */
export function toWritten(value: unknown, shape: Shape, path: Path, show: Show): unknown {
  const shown = show(value, shape, path)
  if (shown !== undefined) return shown
  const unit = unitOf(shape)
  if (unit) return writeUnit(value, unit)
  if (Array.isArray(value)) {
    return value.map((item, n) => toWritten(item, childOf(shape, n), [...path, n], show))
  }
  if (!isMapping(value)) return value
  const names = new Map(fields(shape).map((field) => [field.key, field.written]))
  const entries = Object.entries(value).flatMap(([key, item]) => {
    const written = names.get(key) ?? key
    if (item === undefined) return []
    return [[written, toWritten(item, childOf(shape, key), [...path, written], show)] as const]
  })
  return Object.fromEntries(entries)
}

/** What stands in place of the value at a path, if anything does. */
export type Show = (value: unknown, shape: Shape, path: Path) => string | undefined

/** A path of code as users would write it. */
export function writtenPath(path: Path, shape: Shape): Path {
  const [step, ...rest] = path
  if (step === undefined) return []
  const written = fields(shape).find((field) => field.key === step)?.written ?? step
  return [written, ...writtenPath(rest, childOf(shape, step))]
}

/** What to say after an unknown word. */
export function suggestion(word: string, known: readonly string[]): string {
  const meant = nearest(word, known)
  if (meant !== undefined) return `did you mean "${meant}"?`
  return known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`
}

/** Whether this is a mapping of keys to values. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether it is a mapping in which an unknown key is an error. */
export function isClosed(shape: Shape): boolean {
  const found = objects(shape)
  return found.length > 0 && found.every(({ additionalProperties }) => additionalProperties === false)
}

function writeUnit(value: unknown, unit: NonNullable<Shape['unit']>): unknown {
  if (unit === 'address') {
    const { host, port } = value as Address
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  }
  return typeof value !== 'number' ? value : unit === 'duration' ? writeDuration(value) : writeBytes(value)
}
