import { randomBytes } from 'node:crypto'
import store from '../src/stores/embedded/index.ts'
import { silent } from '../test/support/queue-context.ts'
import { temporaryFolder } from '../test/support/temp.ts'
import { ownBytesOf } from './process.ts'
import type { Question, Row } from './question.ts'
import { arrivalsFrom } from './records.ts'

const BATCH = 1_000
/** How many rows are measured before each mark. */
const MEASURED = 50_000
const MARKS = [100_000, 500_000, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000]
const FOUND = 1_000
const MEBIBYTE = 2 ** 20

/** Rows in batches of 1,000; the same texts again and again, under new random keys. */
export const curve: Question = {
  name: 'curve',
  asks: 'How does the cost of a row grow with the rows that are stored already, and that of finding one by its key?',
  async ask() {
    await using folder = await temporaryFolder()
    const context = { dataDir: folder.path, logger: silent, signal: new AbortController().signal }
    await using opened = await store.open(store.config.parse({}), context)
    const texts = arrivalsFrom(0, 20 * BATCH)
    const rows: Row[] = []
    let stored = 0

    function batch() {
      return texts
        .slice(stored % texts.length, (stored % texts.length) + BATCH)
        .map((arrival) => ({ ...arrival, key: randomBytes(16).toString('hex') }))
    }

    for (const mark of MARKS) {
      let micros = 0
      while (stored < mark) {
        const records = batch()
        const before = process.cpuUsage()
        await opened.put(records)
        const { user, system } = process.cpuUsage(before)
        if (stored >= mark - MEASURED) micros += user + system
        stored += BATCH
      }
      const keys = await someKeys()
      const before = process.cpuUsage()
      for (const key of keys) await opened.get([key])
      const { user, system } = process.cpuUsage(before)
      rows.push({
        of: `${mark.toLocaleString('en-US')} rows`,
        figures: {
          'put: CPU µs per row': micros / MEASURED,
          'get: CPU µs per row': (user + system) / keys.length,
          'memory of its own, MiB': Math.round(ownBytesOf(process.pid) / MEBIBYTE),
        },
      })
    }
    return rows

    /** Of rows from all over the store. */
    async function someKeys(): Promise<string[]> {
      const keys: string[] = []
      const step = Math.max(1, Math.floor(stored / FOUND))
      for (let number = 0; number < stored && keys.length < FOUND; number += step) {
        for await (const { records } of opened.scan({ by: 'time', after: String(number), pageSize: 1 })) {
          keys.push(...records.map(({ key }) => key))
          break
        }
      }
      return keys
    }
  },
}
