import type { Cancellable } from '../../batch.ts'
import { findableBy } from '../../review/verdict.ts'
import { type Cluster, MOST_COUNTED, type Stored } from '../store.ts'
import type { Session } from './connect.ts'
import { nameFor, PATHS } from './paths.ts'
import type { Rows } from './rows.ts'
import { type Position, walk, walkBack } from './walk.ts'

const NAMES_A_PAGE = 500
const EVERYTHING = { from: -Infinity, to: Infinity }

/** Reads the pointers of each cluster as far as they are counted, and two rows of it. */
export async function* clustersIn(
  session: Session,
  rows: Rows,
  { signal }: Cancellable,
): AsyncGenerator<Cluster> {
  for await (const name of namesIn(session, signal)) {
    const first = await firstIn(
      name,
      walk(session, PATHS.cluster, name, { ...EVERYTHING, pageSize: 1, signal }),
    )
    const cluster = first && findableBy(first.verdict).cluster
    if (!first || cluster === undefined) continue
    const last = await firstIn(name, walkBack(session, PATHS.cluster, name, { signal }))
    yield { cluster, count: await count(name), first, last: last ?? first }
  }

  async function firstIn(
    name: string,
    pointers: AsyncIterable<readonly Position[]>,
  ): Promise<Stored | undefined> {
    for await (const some of pointers) {
      for (const { key } of some) {
        signal?.throwIfAborted()
        const record = await rows.read(key, { signal })
        if (record && nameFor(findableBy(record.verdict).cluster) === name) return record
      }
    }
    return undefined
  }

  async function count(name: string): Promise<number> {
    let counted = 0
    const range = { ...EVERYTHING, pageSize: MOST_COUNTED, signal }
    for await (const some of walk(session, PATHS.cluster, name, range)) {
      counted += some.length
      if (counted >= MOST_COUNTED) return MOST_COUNTED
    }
    return counted
  }
}

/** In the order of their tokens. */
async function* namesIn(session: Session, signal: AbortSignal | undefined): AsyncGenerator<string> {
  const { list } = PATHS.cluster
  const select = `SELECT DISTINCT cluster, token(cluster) AS place FROM ${list.table}`
  let after: bigint | undefined
  for (;;) {
    const page: readonly Readonly<Record<string, unknown>>[] = await session.run(
      `${select}${after === undefined ? '' : ' WHERE token(cluster) > ?'} LIMIT ${NAMES_A_PAGE}`,
      after === undefined ? [] : [after],
      { signal },
    )
    for (const row of page) yield row['cluster'] as string
    if (page.length < NAMES_A_PAGE) return
    after = page.at(-1)?.['place'] as bigint
  }
}
