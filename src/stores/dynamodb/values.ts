import type { AttributeValue } from '@aws-sdk/client-dynamodb'

/** As DynamoDB takes and gives items. */
export type Item = Record<string, AttributeValue>

/** DynamoDB takes 32 levels, and those of the item and of its attribute are among them. */
const DEEPEST = 30

/**
 * JSON in DynamoDB's own types, to be queried. What they can't carry (numbers beyond their range, an empty name, very deep
 * levels) stands in it as JSON text: the exact form is beside it.
 */
export function native(value: unknown, depth = 0): AttributeValue {
  if (typeof value === 'string') return { S: value }
  if (typeof value === 'boolean') return { BOOL: value }
  if (value === null) return { NULL: true }
  if (typeof value === 'number' && isInRange(value)) return { N: String(value) }
  if (Array.isArray(value) && depth < DEEPEST) return { L: value.map((one) => native(one, depth + 1)) }
  if (isPlain(value) && depth < DEEPEST && !Object.hasOwn(value, '')) {
    return {
      M: Object.fromEntries(Object.entries(value).map(([name, one]) => [name, native(one, depth + 1)])),
    }
  }
  return { S: JSON.stringify(value) ?? '' }
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isInRange(value: number): boolean {
  const size = Math.abs(value)
  return size === 0 || (size >= 1e-130 && size < 9.9e125)
}

/** How much of the 400 KB of an item this takes, or a little less than that. */
export function sizeOf(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S)
  if (value.B !== undefined) return value.B.length
  if (value.N !== undefined) return 21
  if (value.L !== undefined) return value.L.reduce((sum, one) => sum + 1 + sizeOf(one), 3)
  if (value.M !== undefined) return 3 + itemSize(value.M) + Object.keys(value.M).length
  return 1
}

/** The names of the attributes count as well. */
export function itemSize(item: Item): number {
  let size = 0
  for (const name of Object.keys(item)) size += Buffer.byteLength(name) + sizeOf(item[name] ?? { NULL: true })
  return size
}

/** A text that must be there. */
export const textIn = (item: Item, name: string): string => item[name]?.S ?? missing(name)
export const numberIn = (item: Item, name: string): number => Number(item[name]?.N ?? missing(name))

/** The very bytes, not a copy. */
export const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function missing(name: string): never {
  throw new Error(`the attribute ${name} is missing, or of another type`)
}
