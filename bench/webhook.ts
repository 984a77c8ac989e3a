import { join } from 'node:path'
import { startProgram } from '../test/support/cli.ts'
import { startUp, writeConfig } from '../test/support/pipeline.ts'
import { temporaryFolder } from '../test/support/temp.ts'
import type { Question, Row } from './question.ts'
import { send, type Served } from './sender.ts'

const BATCHES = [1_000, 100, 1]
const WARM_UP = 100_000

/** Each server is started anew, warmed up, and measured with batches of each size. */
export const webhook: Question = {
  name: 'webhook',
  asks:
    'What does it cost to take reviews by webhook until they are durable in the queue, as against a bare Node server ' +
    'that parses them, validates them by the same schema and puts each body durably into LMDB? What Headwater does beyond ' +
    'that is below, under steps. Aimed at: a ratio of 2 in batches, of 1.3 for single POSTs. p50 and p99 are of requests.',
  async ask({ count }) {
    const bare = await measurePrototype(count)
    const ours = await measureIngestion(count)
    return BATCHES.map((batch, n): Row => {
      const prototype = bare[n] ?? NOTHING
      const headwater = ours[n] ?? NOTHING
      return {
        of: batch === 1 ? 'single POSTs' : `batches of ${batch}`,
        figures: {
          'prototype: CPU µs per review': prototype.cpuMicros,
          'Headwater: CPU µs per review': headwater.cpuMicros,
          ratio: headwater.cpuMicros / prototype.cpuMicros,
          'prototype: reviews/s': prototype.perSecond,
          'Headwater: reviews/s': headwater.perSecond,
          'prototype: p50 ms': prototype.p50Ms,
          'Headwater: p50 ms': headwater.p50Ms,
          'prototype: p99 ms': prototype.p99Ms,
          'Headwater: p99 ms': headwater.p99Ms,
        },
      }
    })
  },
}

const NOTHING: Served = { cpuMicros: Number.NaN, perSecond: Number.NaN, p50Ms: Number.NaN, p99Ms: Number.NaN }

async function measurePrototype(count: number): Promise<readonly Served[]> {
  await using folder = await temporaryFolder()
  const program = join(import.meta.dirname, 'prototype.ts')
  await using server = startProgram(process.execPath, [program, '--data', join(folder.path, 'data')])
  const [url] = await server.waitFor(/^http:.*$/)
  return await measure(server.pid, url, count)
}

async function measureIngestion(count: number): Promise<readonly Served[]> {
  await using folder = await temporaryFolder()
  await writeConfig(folder.path)
  const up = await startUp(folder.path, 'ingest')
  await using server = up.process
  return await measure(server.pid, up.webhook, count)
}

async function measure(pid: number, url: string, count: number): Promise<readonly Served[]> {
  let first = 0
  const results: Served[] = []
  for (const batch of BATCHES) {
    const load = (some: number) => ({ url, batch, count: some, first })
    const [warmUp, measured] = batch === 1 ? [WARM_UP / 4, count / 4] : [WARM_UP, count]
    await send(pid, load(warmUp))
    first += warmUp
    results.push(await send(pid, load(measured)))
    first += measured
  }
  return results
}
