import type { Group } from './topic.ts'

/** A reader says this often that it lives. */
export const RENEW_MS = 1_000
/** A reader that was silent for so long has lost its partitions to whoever waits for them. */
export const LEASE_MS = 5_000

/** How many partitions a reader should have: as many as the others, or one more for the first of them. */
export function fairShare(group: Group, reader: string): number {
  const readers = Object.keys(group.readers).toSorted()
  const rank = readers.indexOf(reader)
  if (rank < 0) return 0
  const all = group.shares.length
  return Math.floor(all / readers.length) + (rank < all % readers.length ? 1 : 0)
}

/** The partitions that a reader has, lowest first. */
export function ownedBy(group: Group, reader: string): number[] {
  return partitionsWhere(group, (owner) => owner === reader)
}

/** The partitions that a reader has beyond its fair share. */
export function surplusOf(group: Group, reader: string): number[] {
  return ownedBy(group, reader).slice(fairShare(group, reader))
}

/** The partitions that a reader may take now: nobody has them, and it has less than its fair share. */
export function claimable(group: Group, reader: string): number[] {
  const free = partitionsWhere(group, (owner) => owner === undefined || !Object.hasOwn(group.readers, owner))
  return free.slice(0, Math.max(0, fairShare(group, reader) - ownedBy(group, reader).length))
}

/** Which readers have not changed their number for a lease's time, by the clock of who watches and of nobody else. */
export type Watch = (readers: Readonly<Record<string, number>>) => string[]

export function createWatch(now: () => number): Watch {
  let seen = new Map<string, { readonly beat: number; readonly since: number }>()
  return (readers) => {
    const time = now()
    const changed = (id: string, beat: number): boolean => seen.get(id)?.beat !== beat
    seen = new Map(
      Object.entries(readers).map(([id, beat]) => {
        return [id, { beat, since: changed(id, beat) ? time : (seen.get(id)?.since ?? time) }]
      }),
    )
    return [...seen].flatMap(([id, { since }]) => (time - since >= LEASE_MS ? [id] : []))
  }
}

function partitionsWhere(group: Group, matches: (owner: string | undefined) => boolean): number[] {
  return group.shares.flatMap(({ owner }, index) => (matches(owner) ? [index] : []))
}
