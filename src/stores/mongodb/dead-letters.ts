import type { Collection } from 'mongodb'
import type { Cancellable } from '../../batch.ts'
import type { Arrival } from '../../review/record.ts'
import { findableBy } from '../../review/verdict.ts'
import { type Cluster, MOST_COUNTED, type PutOutcome, type Stored } from '../store.ts'
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

/**
 * How many bytes of raw all dead letters have. The database sums up an index with an entry for each of them; what this process
 * puts is added to the last sum, and what others do is seen with the next.
 */
export function countDeadLetterBytes({ ask }: Session, collection: Collection<Row>) {
  let known = 0
  let knownUntil = -Infinity

  async function bytes(options: Cancellable = {}): Promise<number> {
    const askedAt = performance.now()
    if (askedAt < knownUntil) return known
    const sum = [{ $match: { status: 'rejected' } }, { $group: { _id: null, bytes: { $sum: '$rawLength' } } }]
    const [found] = await ask(
      () => collection.aggregate<{ bytes: number }>(sum, { hint: 'dead_letter_bytes' }).toArray(),
      options,
    )
    const answeredAt = performance.now()
    known = found?.bytes ?? 0
    knownUntil = answeredAt + REST * (answeredAt - askedAt)
    return known
  }

  function add(arrivals: readonly Arrival[], outcomes: readonly PutOutcome[]): void {
    arrivals.forEach(({ status, received }, n) => {
      if (status === 'rejected' && outcomes[n] === 'stored') known += received.raw.length
    })
  }

  /** A verdict was changed or a record erased: only the database knows what that means. */
  function forget(): void {
    knownUntil = -Infinity
  }

  return { bytes, add, forget }
}
