import { isSelected } from './selected.ts'
import type { Page, Scan, Stored } from './store.ts'

export const PAGE_RECORDS = 500
/** A page of large records is a short one. */
const PAGE_BYTES = 8 * 1024 * 1024

/** What a scan looks at, one after the other, gathered into pages. */
export interface Gathering<Position> {
  /** Counts what was looked at, and takes the record where it is wanted. The page, where this fills it. */
  look(position: Position, wanted: Stored | undefined): Page | undefined
  /** What was looked at since the last page; undefined where that is nothing. */
  rest(): Page | undefined
}

/** In memory it holds one page. `write` makes text of where a page ends. */
export function createGathering<Position>(
  { pageSize = PAGE_RECORDS }: Pick<Scan, 'pageSize'>,
  write: (position: Position) => string,
): Gathering<Position> {
  let records: Stored[] = []
  let looked = 0
  let bytes = 0
  let last: Position | undefined

  function rest(): Page | undefined {
    if (last === undefined) return undefined
    const page = { records, after: write(last) }
    records = []
    looked = 0
    bytes = 0
    last = undefined
    return page
  }

  return {
    look(position, wanted) {
      last = position
      looked++
      if (wanted) {
        records.push(wanted)
        bytes += wanted.received.raw.length
      }
      return looked < pageSize && bytes < PAGE_BYTES ? undefined : rest()
    },
    rest,
  }
}

/** What was looked at: a position to go on from, and the record where there is one. */
export interface Step {
  readonly position: string
  readonly record?: Stored | undefined
}

/** The pages of what a scan looks at, with the records that it is about. */
export async function* gatherSteps(steps: AsyncIterable<readonly Step[]>, scan: Scan): AsyncGenerator<Page> {
  const { signal } = scan
  const gathering = createGathering(scan, String)
  for await (const some of steps) {
    for (const { position, record } of some) {
      signal?.throwIfAborted()
      const page = gathering.look(position, record && isSelected(record, scan) ? record : undefined)
      if (!page) continue
      yield page
      signal?.throwIfAborted()
    }
  }
  const rest = gathering.rest()
  if (rest) yield rest
}
