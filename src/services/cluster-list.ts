import { HeadwaterError } from '../errors.ts'
import type { Cluster, Store, Stored } from '../stores/store.ts'

/** The faults that dead letters share, as they were counted at one moment. */
export interface Counted {
  /** The most frequent first, at most 1,000. Their letters are without raw: but for first ones that are small. */
  readonly clusters: readonly Cluster[]
  /** Milliseconds since 1970. */
  readonly countedAt: number
}

export interface ClusterList {
  /** A count that is some seconds old is good enough, and an older one while a new one takes its time. */
  count(): Promise<Counted>
  /** What is counted is no longer so: the next one waits for a new count. */
  forget(): void
}

const FRESH_MS = 5_000
const PATIENCE_MS = 100
const MOST = 1_000
/** A letter of which more was received is kept without it. */
const KEPT_BYTES = 16 * 1024

/** One count at a time, whoever asks: it may take seconds where dead letters are many. */
export function createClusterList(
  store: Pick<Store, 'clusters'>,
  { clock, signal }: { readonly clock: () => number; readonly signal: AbortSignal },
): ClusterList {
  let known: Counted | undefined
  let counting: Promise<Counted> | undefined

  async function look(): Promise<Counted> {
    if (store.clusters === undefined)
      throw new HeadwaterError('USAGE', 'this store can not list clusters: use the list of dead letters')
    const countedAt = clock()
    let clusters: Cluster[] = []
    for await (const cluster of store.clusters({ signal })) {
      clusters.push(slim(cluster))
      if (clusters.length >= 2 * MOST) clusters = mostFrequent(clusters)
    }
    return { clusters: mostFrequent(clusters), countedAt }
  }

  function begin(): Promise<Counted> {
    const begun = look().then((found) => {
      if (counting === begun) known = found
      return found
    })
    const end = (): void => void (counting === begun && (counting = undefined))
    begun.then(end, end)
    return begun
  }

  return {
    async count() {
      if (known && clock() - known.countedAt < FRESH_MS) return known
      counting ??= begin()
      const before = known
      if (!before) return counting
      const late = new Promise<Counted>((resolve) => setTimeout(resolve, PATIENCE_MS, before))
      return Promise.race([counting, late])
    },
    forget() {
      known = undefined
      counting = undefined
    },
  }
}

const mostFrequent = (clusters: readonly Cluster[]): Cluster[] =>
  clusters.toSorted((a, b) => b.count - a.count).slice(0, MOST)

/** Of the last letter it is only told when it came; of the first one, what value is at fault. */
const slim = ({ first, last, ...cluster }: Cluster): Cluster => ({
  ...cluster,
  first: kept(first, KEPT_BYTES),
  last: kept(last, 0),
})

function kept(letter: Stored, mostBytes: number): Stored {
  const { raw } = letter.received
  // Copied, since a store may hand over a part of something larger.
  const kept = raw.length > mostBytes ? Buffer.alloc(0) : Buffer.from(raw)
  return { ...letter, received: { ...letter.received, raw: kept } }
}
