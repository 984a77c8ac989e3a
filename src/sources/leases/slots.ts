import { hash } from 'node:crypto'

/** What is leased: so many, however many parts a source has. The same in all replicas, or two could have one part. */
export const SLOTS = 64

/** The slot of a part, from 0: the same in every process and every version. */
export function slotOf(part: string): number {
  return Number.parseInt(hash('sha256', part, 'hex').slice(0, 8), 16) % SLOTS
}
