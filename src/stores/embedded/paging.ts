import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Table } from './environment.ts'

export interface TableEntry {
  readonly key: Buffer
  readonly value: Buffer
}

/** All entries in the order of their keys, from a key on. Other work gets its turn between the pages. */
export async function* pagesOf(
  table: Table,
  pageSize: number,
  from: Buffer = Buffer.alloc(1),
): AsyncGenerator<readonly TableEntry[]> {
  let start = from
  for (;;) {
    const page = Array.from(table.getRange({ start, limit: pageSize }))
    const last = page.at(-1)
    if (!last) return
    yield page
    start = Buffer.concat([last.key, Buffer.alloc(1)])
    await nextTurn()
  }
}
