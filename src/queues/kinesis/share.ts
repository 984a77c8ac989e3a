import type { Shard } from './client.ts'
import { type Position, SHARD_END, TRIM_HORIZON } from './position.ts'

/** Where a group is in a shard, and which reader has it. */
export interface Lease {
  readonly owner: string | undefined
  readonly checkpoint: Position
}

/**
 * The shards that may be read now: not yet read to their end, and behind their parents, so that what was written to a
 * parent is read before what came to its children. A parent that is not listed is gone with its last record.
 */
export function readable(
  shards: readonly Shard[],
  checkpointOf: (shard: string) => Position | undefined,
): readonly string[] {
  const listed = new Set(shards.map(({ id }) => id))
  const isOver = (id: string): boolean => !listed.has(id) || checkpointOf(id) === SHARD_END
  return shards.filter(({ id, parents }) => !isOver(id) && parents.every(isOver)).map(({ id }) => id)
}

export interface Shares {
  /** Those that a reader has beyond its fair share. */
  readonly surplus: readonly string[]
  /** Those that it may take: nobody who lives has them, and it has less than its fair share. */
  readonly claimable: readonly string[]
}

/** The fair share of one of several readers: as many as the others have, or one more for the first of them. */
export function sharesOf(
  reader: string,
  readers: Iterable<string>,
  shards: readonly string[],
  ownerOf: (shard: string) => string | undefined,
): Shares {
  const living = [...readers].toSorted()
  const rank = living.indexOf(reader)
  if (rank < 0) return { surplus: [], claimable: [] }
  const fair = Math.floor(shards.length / living.length) + (rank < shards.length % living.length ? 1 : 0)
  const own = shards.filter((shard) => ownerOf(shard) === reader)
  const free = shards.filter((shard) => !living.includes(ownerOf(shard) ?? ''))
  return { surplus: own.slice(fair), claimable: free.slice(0, Math.max(0, fair - own.length)) }
}

/** Which readers have not changed their number for a lease's time, by the clock of who watches and of nobody else. */
export function createWatch(leaseMs: number, now: () => number) {
  let seen = new Map<string, { readonly beat: number; readonly since: number }>()
  return (beats: ReadonlyMap<string, number>): readonly string[] => {
    const time = now()
    seen = new Map(
      [...beats].map(([id, beat]) => {
        const before = seen.get(id)
        return [id, { beat, since: before?.beat === beat ? before.since : time }]
      }),
    )
    return [...seen].flatMap(([id, { since }]) => (time - since >= leaseMs ? [id] : []))
  }
}

export const NO_LEASE: Lease = { owner: undefined, checkpoint: TRIM_HORIZON }
