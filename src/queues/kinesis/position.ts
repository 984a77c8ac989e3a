/** A place in a shard: its beginning, its end, or behind the record of a sequence number. */
export type Position = string

export const TRIM_HORIZON = 'TRIM_HORIZON'
export const SHARD_END = 'SHARD_END'

/** Whether one sequence number, of up to 128 bits in decimal, comes before another. */
export function isBefore(one: string, other: string): boolean {
  return one.length === other.length ? one < other : one.length < other.length
}

/** Whether everything up to a sequence number lies before a position. */
export function hasPassed(position: Position, sequence: string): boolean {
  if (position === SHARD_END) return true
  return position !== TRIM_HORIZON && !isBefore(position, sequence)
}
