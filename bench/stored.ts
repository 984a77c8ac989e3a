import { setTimeout as sleep } from 'node:timers/promises'
import { startUp, writeConfig } from '../test/support/pipeline.ts'
import { temporaryFolder } from '../test/support/temp.ts'
import type { Question, Row } from './question.ts'
import { send, type Served } from './sender.ts'

const BATCHES = [1_000, 100]
const WARM_UP = 100_000
const LOOK_EVERY_MS = 20

/** The whole path, and what of it is more than the way into the queue. */
export const stored: Question = {
  name: 'stored',
  asks: 'What does it cost more to take reviews until they are rows in the store, found by key and product? Aimed at: 25 µs.',
  async ask({ count }) {
    const rows: Row[] = []
    for (const batch of BATCHES) {
      const queued = await measure('ingest', batch, count)
      const whole = await measure('up', batch, count)
      rows.push({
        of: `batches of ${batch}`,
        figures: {
          'to the queue: CPU µs per review': queued.cpuMicros,
          'to the row: CPU µs per review': whole.cpuMicros,
          'difference: CPU µs per review': whole.cpuMicros - queued.cpuMicros,
          'to the row: reviews/s': whole.perSecond,
        },
      })
    }
    return rows
  },
}

async function measure(command: 'ingest' | 'up', batch: number, count: number): Promise<Served> {
  await using folder = await temporaryFolder()
  await writeConfig(folder.path)
  const { process: server, webhook: url, admin } = await startUp(folder.path, command)
  await using _ = server
  const done = command === 'up' ? () => drained(admin) : undefined
  await send(server.pid, { url, batch, count: WARM_UP, first: 0 }, done)
  return await send(server.pid, { url, batch, count, first: WARM_UP }, done)
}

/** Resolves when nothing waits in the queue. */
async function drained(admin: string): Promise<void> {
  const backlogs = /^headwater_queue_backlog_messages\{.*\} (\d+)$/gm
  for (;;) {
    const text = await (await fetch(`${admin}/metrics`)).text()
    if ([...text.matchAll(backlogs)].every(([, backlog]) => backlog === '0')) return
    await sleep(LOOK_EVERY_MS)
  }
}
