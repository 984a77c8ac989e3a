import type { Message } from './queue.ts'

/** How much more fits into a batch. */
export interface Room {
  readonly items: number
  readonly bytes: number
}

interface Taking {
  readonly messages: readonly Message[]
  readonly bytes: number
}

/** What is left of the most that a batch has, behind what was taken for it. */
export function roomIn(takings: readonly Taking[], most: Room): Room {
  const items = takings.reduce((sum, { messages }) => sum + messages.length, 0)
  const bytes = takings.reduce((sum, taken) => sum + taken.bytes, 0)
  return { items: most.items - items, bytes: most.bytes - bytes }
}

export function isFull(takings: readonly Taking[], most: Room): boolean {
  const { items, bytes } = roomIn(takings, most)
  return items <= 0 || bytes <= 0
}
