import type { Collection } from 'mongodb'
import type { Cancellable } from '../../batch.ts'
import { abortable } from '../../lib/waiting.ts'
import { findableBy } from '../../review/verdict.ts'
import { type Cluster, MOST_COUNTED, type Stored } from '../store.ts'
import type { Session } from './connect.ts'
import type { Row } from './row.ts'
import type { Rows } from './rows.ts'

/** Jumps through the index from cluster to cluster, and reads two rows of each. */
export async function* clustersIn(
  { ask }: Session,
  collection: Collection<Row>,
  rows: Rows,
  options: Cancellable,
): AsyncGenerator<Cluster> {
  async function outermost(filter: object, order: 1 | -1): Promise<Stored | undefined> {
    const sort = { cluster: order, receivedAt: order, _id: order } as const
    const row = await ask(() => collection.findOne(filter, { sort, hint: 'by_cluster' }), options)
    return row === null ? undefined : rows.present(row, options)
  }

  for (let behind = ''; ; ) {
    const next = { cluster: { $gt: behind } }
    const projection = { _id: 0, cluster: 1 }
    const start = await ask(
      () => collection.findOne(next, { sort: { cluster: 1 }, projection, hint: 'by_cluster' }),
      options,
    )
    if (start?.cluster === undefined) return
    const { cluster } = start
    const [first, last] = [await outermost({ cluster }, 1), await outermost({ cluster }, -1)]
    const counted = { limit: MOST_COUNTED, hint: 'by_cluster' }
    const count = await ask(() => collection.countDocuments({ cluster }, counted), options)
    // What was mended since the index was read is in no cluster.
    if (first && last && count > 0 && isIn(first, cluster)) yield { cluster, count, first, last }
    behind = cluster
  }
}

const isIn = ({ verdict }: Stored, cluster: string): boolean => findableBy(verdict).cluster === cluster

/** How often the bytes are summed up anew: it never takes more than a twentieth of the time. */
const REST = 20
/** How long that may take: enough for hundreds of millions of dead letters. */
const SUM_MS = 600_000

/**
 * How many bytes of raw all dead letters have. The database sums up an index with an entry for each of them; what this process
 * does is added to the last sum, and what others do, or anybody during a sum, is seen with the next.
 */
export function countDeadLetterBytes({ db, ask }: Session, collection: Collection<Row>) {
  let known = 0
  let knownUntil = -Infinity
  let summing: Promise<number> | undefined

  /** Whoever asks during a sum gets that one. */
  async function bytes({ signal }: Cancellable = {}): Promise<number> {
    if (performance.now() < knownUntil) return known
    summing ??= sum().finally(() => {
      summing = undefined
    })
    return abortable(summing, signal)
  }

  async function sum(): Promise<number> {
    // That nobody answers is to be known sooner.
    await ask(() => db.command({ ping: 1 }))
    const askedAt = performance.now()
    const pipeline = [
      { $match: { status: 'rejected' } },
      { $group: { _id: null, bytes: { $sum: '$rawLength' } } },
    ]
    // The server ends what nobody waits for any more, and the client keeps the connection as long.
    const how = { hint: 'dead_letter_bytes', maxTimeMS: SUM_MS, socketTimeoutMS: SUM_MS }
    const [found] = await ask(() => collection.aggregate<{ bytes: number }>(pipeline, how).toArray(), {
      timeoutMs: SUM_MS,
    })
    const answeredAt = performance.now()
    known = found?.bytes ?? 0
    knownUntil = answeredAt + REST * (answeredAt - askedAt)
    return known
  }

  function add(bytesMore: number): void {
    known += bytesMore
  }

  return { bytes, add }
}

/** What a row counts for. */
export const deadLetterBytesOf = (status: Row['status'], rawLength: number): number =>
  status === 'rejected' ? rawLength : 0
