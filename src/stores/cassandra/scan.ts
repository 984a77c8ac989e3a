import { HeadwaterError } from '../../errors.ts'
import { createGathering, PAGE_RECORDS } from '../gathering.ts'
import { regroup } from '../merging.ts'
import { isSelected } from '../selected.ts'
import type { Page, Scan, Stored } from '../store.ts'
import type { Session } from './connect.ts'
import { inParallel } from '../../lib/parallel.ts'
import { nameFor, PATHS, type Path } from './paths.ts'
import type { Rows } from './rows.ts'
import { type Position, walk } from './walk.ts'

/** So many rows are read at a time, which keeps the client busy; none of them is large before its parts are read. */
const ROWS_AHEAD = 128

/** Follows the pointers of a path to the rows; what they lead to is looked at, since there may be one too many. */
export async function* scanStore(session: Session, rows: Rows, scan: Scan): AsyncGenerator<Page> {
  const { pageSize = PAGE_RECORDS, from = -Infinity, to = Infinity, signal } = scan
  signal?.throwIfAborted()
  const [path, name] = pathOf(scan)
  const after = scan.after === undefined ? undefined : parsePosition(scan.after)
  const gathering = createGathering(scan, writePosition)
  const pointers = walk(session, path, name, { from, to, after, pageSize, signal })
  for await (const ahead of regroup(pointers, () => Math.min(pageSize, ROWS_AHEAD))) {
    const found = await inParallel(ahead, ({ key }) => rows.find(key, { signal }))
    for (const [n, position] of ahead.entries()) {
      signal?.throwIfAborted()
      const row = found[n]
      const completed = row && rows.complete(row, { signal })
      const record = completed instanceof Promise ? await completed : completed
      const wanted = record && matches(record, position, scan) ? record : undefined
      const page = gathering.look(position, wanted)
      if (!page) continue
      yield page
      signal?.throwIfAborted()
    }
  }
  const rest = gathering.rest()
  if (rest) yield rest
}

function pathOf(scan: Scan): readonly [Path, string] {
  switch (scan.by) {
    case 'time':
      return [PATHS.time, 'time']
    case 'product':
      return [PATHS.product, nameFor(scan.product)]
    case 'cluster':
      return [PATHS.cluster, nameFor(scan.cluster)]
    case 'review':
      return [PATHS.review, nameFor(scan.half)]
  }
}

/** A row has moved, or its pointer is that of a write that was not kept, or stands for a text that only looks the same. */
function matches(record: Stored, { receivedAt }: Position, scan: Scan): boolean {
  return record.received.receivedAt === receivedAt && isSelected(record, scan)
}

const writePosition = ({ receivedAt, key }: Position): string => `${receivedAt} ${key}`

function parsePosition(text: string): Position {
  const [, receivedAt, key] = /^(-?\d{1,16}) ([0-9a-f]{32})$/.exec(text) ?? []
  if (receivedAt !== undefined && key !== undefined) return { receivedAt: Number(receivedAt), key }
  throw new HeadwaterError(
    'POSITION_UNKNOWN',
    `a scan gave out no position "${text}"; begin it again without one`,
  )
}
