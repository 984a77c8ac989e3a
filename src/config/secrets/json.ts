import { isMapping } from '../names.ts'

/** JSON, its numbers as they are written, since a secret of digits is no number; undefined where it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) =>
      typeof value === 'number' ? context?.source : value,
    )
  } catch {
    return undefined
  }
}

/** What is behind these keys, one below the other; undefined where one is missing. */
export function memberAt(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (isMapping(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined),
    value,
  )
}
