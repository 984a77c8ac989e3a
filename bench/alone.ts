import { temporaryFolder } from '../test/support/temp.ts'
import queue from '../src/queues/embedded/index.ts'
import store from '../src/stores/embedded/index.ts'
import { queueContext, silent } from '../test/support/queue-context.ts'
import type { Question, Row } from './question.ts'
import { messagesFrom, arrivalsFrom } from './records.ts'

const BATCHES = [1_000, 100]
const WARM_UP = 5_000

/** Queue and store by themselves, in this process, with everything made beforehand. */
export const alone: Question = {
  name: 'alone',
  asks: 'What do the queue and the store cost by themselves, durably, without judging, encoding and network?',
  async ask({ count }) {
    const rows: Row[] = []
    for (const batch of BATCHES) {
      rows.push(...(await askQueue(batch, count)), await askStore(batch, count))
    }
    return rows
  },
}

async function askQueue(batch: number, count: number): Promise<readonly Row[]> {
  await using folder = await temporaryFolder()
  const context = queueContext(folder.path, 'bench')
  await using opened = await queue.open(queue.config.parse({}), context)
  const publish = (first: number, some: number) =>
    inBatches(messagesFrom(first, some), batch, (messages) => opened.publish(messages))
  await publish(0, WARM_UP)
  const published = await publish(WARM_UP, count)

  let left = WARM_UP + count
  const read = await timed(left, async () => {
    const reading = opened.read({ group: 'storage', signal: context.signal, maxItems: 1_000 })
    for await (const taken of reading) {
      await taken.ack()
      left -= taken.items.length
      if (left <= 0) break
    }
  })
  return [
    { of: `publish, batches of ${batch}`, figures: published },
    { of: `read and acknowledge what was published in batches of ${batch}`, figures: read },
  ]
}

async function askStore(batch: number, count: number): Promise<Row> {
  await using folder = await temporaryFolder()
  const context = { dataDir: folder.path, logger: silent, signal: new AbortController().signal }
  await using opened = await store.open(store.config.parse({}), context)
  const put = (first: number, some: number) =>
    inBatches(arrivalsFrom(first, some), batch, (arrivals) => opened.put(arrivals))
  await put(0, WARM_UP)
  return { of: `put, batches of ${batch}`, figures: await put(WARM_UP, count) }
}

/** Works through all of it, one batch at a time. */
function inBatches<T>(items: readonly T[], size: number, work: (batch: readonly T[]) => Promise<unknown>) {
  return timed(items.length, async () => {
    for (let at = 0; at < items.length; at += size) await work(items.slice(at, at + size))
  })
}

async function timed(count: number, work: () => Promise<void>): Promise<Record<string, number>> {
  const before = process.cpuUsage()
  const startedAt = performance.now()
  await work()
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(before)
  return { 'CPU µs per review': (user + system) / count, 'reviews/s': Math.round(count / seconds) }
}
