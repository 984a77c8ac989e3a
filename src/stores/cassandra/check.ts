import type { Cancellable } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import { isGenuine } from '../../review/genuine.ts'
import type { Damage } from '../store.ts'
import type { Session } from './connect.ts'
import { inParallel } from '../../lib/parallel.ts'
import type { Pointers } from './pointers.ts'
import { type Columns, isWhole, placesOf, RECORD_COLUMNS } from './row.ts'
import type { Rows } from './rows.ts'

/** So many rows are in memory at a time; none of them is large before its parts are read. */
const ROWS_A_PAGE = 64
const ROWS_AT_A_TIME = 8
const LEAST_TOKEN = -(2n ** 63n)

/** Looks at every row, in the order of their tokens: at its raw, and at what should point to it. */
export async function* checkStore(
  session: Session,
  rows: Rows,
  pointers: Pointers,
  { signal }: Cancellable,
): AsyncGenerator<Damage> {
  for await (const page of allRows(session, signal)) {
    const { whole = [], inParts = [] } = Object.groupBy(page, (row) => (isWhole(row) ? 'whole' : 'inParts'))
    for (const found of await inParallel(whole, damageOf, ROWS_AT_A_TIME)) yield* found
    // One of these may be as large as raw may be.
    for (const row of inParts) yield* await damageOf(row)
  }

  async function damageOf(row: Columns): Promise<readonly Damage[]> {
    const keys = [row.key as string]
    try {
      const record = await rows.complete(row, { signal })
      if (!record) return []
      if (!isGenuine(record)) return [{ problem: 'altered', keys }]
      const missing = await pointers.missing(placesOf(record), { signal })
      // An amendment moves the pointers of a row, and an erasure takes them: only a row that stayed as it was lacks some.
      if (missing.length === 0 || (await rows.read(record.key, { signal }))?.revision !== record.revision)
        return []
      return missing.map((table) => ({ problem: `${table} does not point to it`, keys }))
    } catch (error) {
      if (!(error instanceof HeadwaterError) || error.code !== 'DATA_CORRUPT') throw error
      return [{ problem: error.message, keys }]
    }
  }
}

async function* allRows(
  session: Session,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Columns[]> {
  const query =
    `SELECT token(key) AS place, ${RECORD_COLUMNS.join(', ')} FROM reviews ` +
    `WHERE token(key) > ? LIMIT ${ROWS_A_PAGE}`
  for (let after = LEAST_TOKEN; ; ) {
    const page: readonly Readonly<Record<string, unknown>>[] = await session.run(query, [after], { signal })
    yield page
    if (page.length < ROWS_A_PAGE) return
    after = page.at(-1)?.['place'] as bigint
  }
}
