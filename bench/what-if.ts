import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import store from '../src/stores/embedded/index.ts'
import { start } from '../test/support/cli.ts'
import { silent } from '../test/support/queue-context.ts'
import { temporaryFolder } from '../test/support/temp.ts'
import { peakOf } from './process.ts'
import type { Question, Row } from './question.ts'
import { arrivalsFrom } from './records.ts'

const BATCH = 1_000
const MEBIBYTE = 2 ** 20
const STRICTER = {
  $ref: 'urn:headwater:review:1',
  required: ['title'],
  properties: { rating: { minimum: 2 } },
}

/** `headwater schema try` over a store, from the start of the process to its end; the second one is ten times as large. */
export const whatIf: Question = {
  name: 'what-if',
  asks: 'How fast is another schema tried on what the embedded store has, and does it take more memory where there is more?',
  async ask({ count }) {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'stricter.json'), JSON.stringify(STRICTER))
    const rows: Row[] = []
    for (const [stored, more] of [
      [count, count],
      [10 * count, 9 * count],
    ] as const) {
      await put(more, join(folder.path, 'data'))
      rows.push({
        of: `${stored.toLocaleString('en-US')} records`,
        figures: await tried(stored, folder.path),
      })
    }
    return rows
  },
}

/** The same texts again and again, under new random keys. */
async function put(count: number, dataDir: string): Promise<void> {
  const context = { dataDir, logger: silent, signal: new AbortController().signal }
  await using opened = await store.open(store.config.parse({}), context)
  const texts = arrivalsFrom(0, 20 * BATCH)
  for (let done = 0; done < count; done += BATCH) {
    const first = done % texts.length
    const batch = texts.slice(first, first + Math.min(BATCH, count - done))
    await opened.put(batch.map((arrival) => ({ ...arrival, key: randomBytes(16).toString('hex') })))
  }
}

async function tried(count: number, cwd: string): Promise<Row['figures']> {
  const startedAt = performance.now()
  await using running = start(['schema', 'try', 'stricter.json', '--json'], { cwd })
  const { cpuMicros, ownBytes } = await peakOf(running.pid, running.exited)
  const seconds = (performance.now() - startedAt) / 1_000
  const { code, stdout, stderr } = await running.exited
  const { looked } = JSON.parse(stdout || '{}') as { looked?: number }
  if (code !== 0 || looked !== count) throw new Error(`the schema was not tried:\n${stdout}${stderr}`)
  return {
    'records/s': Math.round(count / seconds),
    'CPU µs per record': cpuMicros / count,
    'most memory of its own, MiB': Math.round(ownBytes / MEBIBYTE),
  }
}
