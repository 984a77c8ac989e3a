import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { start } from '../test/support/cli.ts'
import { temporaryFolder } from '../test/support/temp.ts'
import { peakOf } from './process.ts'
import type { Question } from './question.ts'
import { linesFrom } from './reviews.ts'

const REVIEWS_A_WRITE = 10_000
const MEBIBYTE = 2 ** 20

/** `headwater import` of one file, from the start of the process to its end. */
export const importing: Question = {
  name: 'import',
  asks: 'What does the import of a file cost, from the start of the process until every review is a row?',
  async ask({ count }) {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'reviews.ndjson')
    for (let first = 0; first < count; first += REVIEWS_A_WRITE) {
      await appendFile(file, linesFrom(first, Math.min(REVIEWS_A_WRITE, count - first)))
    }
    const startedAt = performance.now()
    await using running = start(['import', file, '--json'], { cwd: folder.path })
    const peak = await peakOf(running.pid, running.exited)
    const seconds = (performance.now() - startedAt) / 1000
    const { code, stdout, stderr } = await running.exited
    const { received } = JSON.parse(stdout || '{}') as { received?: number }
    if (code !== 0 || received !== count) throw new Error(`the import failed:\n${stdout}${stderr}`)
    return [
      {
        of: `${count} reviews`,
        figures: {
          'CPU µs per review': peak.cpuMicros / count,
          'reviews/s': Math.round(count / seconds),
          'most memory of its own, MiB': Math.round(peak.ownBytes / MEBIBYTE),
        },
      },
    ]
  },
}
