import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message, Queue } from '../../src/queues/queue.ts'
import { text } from '../support/messages.ts'
import type { Declare } from './queue-groups.ts'

const KEYS = 64
const LOOK_MS = 10

/** What a queue promises where several read as one group. */
export function sharingPromises(promise: Declare, patienceMs: number): void {
  promise('shares among the readers of one group without overlap', async ({ queue, reopen }) => {
    const readers = [reader(queue), reader(await reopen())]
    let sent = 0
    const publish = async (): Promise<void> => void (await queue.publish(round(sent++)))
    const counts = () => readers.map(({ seen }) => seen.length)
    // Until both have a share what is under way may change hands, and come again.
    await until(() => counts().every((count) => count > 0), 4 * patienceMs, publish)
    const settledAt = sent
    const before = counts()
    const isShared = () => counts().every((count, n) => count > (before[n] ?? 0))
    await until(isShared, 4 * patienceMs, publish)
    const all = () => readers.flatMap(({ seen }) => seen).filter(({ body }) => roundOf(body) >= settledAt)
    await until(() => all().length >= (sent - settledAt) * KEYS, patienceMs)
    await Promise.all(readers.map((each) => each.stop()))
    assert.equal(new Set(all().map(identity)).size, (sent - settledAt) * KEYS)
    assert.equal(all().length, (sent - settledAt) * KEYS)
  })

  promise('keeps the order of each key while readers come and go', async ({ queue, reopen }) => {
    const seen: Message[] = []
    const readers = [reader(queue, seen)]
    const rounds = 30
    for (let n = 0; n < rounds; n++) {
      await queue.publish(round(n))
      if (n === 5 || n === 10) readers.push(reader(await reopen(), seen))
      if (n === 15 || n === 20) await readers.shift()?.stop()
      if (n === 25) readers.push(reader(await reopen(), seen))
    }
    await until(() => new Set(seen.map(identity)).size >= rounds * KEYS, 4 * patienceMs)
    await Promise.all(readers.map((each) => each.stop()))
    for (const [key, ofKey] of Map.groupBy(seen, (message) => message.key)) {
      const order = [...new Set(ofKey.map(text))]
      assert.deepEqual(
        order,
        Array.from({ length: rounds }, (_, n) => String(n)),
        key,
      )
    }
  })
}

/** Reads and acknowledges until it is stopped. */
function reader(queue: Queue, seen: Message[] = []) {
  const stop = new AbortController()
  const reading = (async () => {
    for await (const batch of queue.read({ group: 'g', signal: stop.signal, maxItems: 7 })) {
      seen.push(...batch.items)
      await batch.ack()
    }
  })()
  return {
    seen,
    async stop() {
      stop.abort()
      await reading
    },
  }
}

/** One message of each key, with the number of the round. */
const round = (n: number): Message[] =>
  Array.from({ length: KEYS }, (_, key) => ({ key: `key-${key}`, body: Buffer.from(String(n)) }))

const roundOf = (body: Buffer): number => Number(body.toString())
const identity = (message: Message): string => `${message.key} ${text(message)}`

/** Looks again and again, working meanwhile, until what comes from outside has come. */
async function until(holds: () => boolean, limitMs: number, work = () => sleep(LOOK_MS)): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!holds()) {
    assert.ok(performance.now() < deadline, 'it did not come in time')
    await work()
  }
}
