import assert from 'node:assert/strict'
import { TransientError } from '../../src/errors.ts'
import { retry } from '../../src/lib/retry.ts'
import type { Message, Queue } from '../../src/queues/queue.ts'
import { numbered, text } from '../support/messages.ts'
import type { TcpProxy } from '../support/servers/proxy.ts'
import type { Declare } from './queue-groups.ts'

/** What a queue promises of a broker that is somewhere else, behind a wire that can be cut. */
export function troublePromises(promise: Declare, wire: TcpProxy, patienceMs: number): void {
  promise('says what does not answer while the broker is away', async ({ queue }) => {
    await queue.check()
    wire.down()
    try {
      await assert.rejects(failing(queue, patienceMs), (error) => {
        assert.ok(error instanceof TransientError, String(error))
        assert.equal(error.code, 'QUEUE_UNAVAILABLE')
        return true
      })
    } finally {
      wire.restore()
    }
    await patiently(() => queue.check(), patienceMs)
  })

  promise('publishes what could not be published, once the broker is back', async ({ queue, take }) => {
    await queue.publish(numbered(0, 1))
    wire.down()
    let failures = 0
    const publishing = retry(() => queue.publish(numbered(1, 3)), AbortSignal.timeout(4 * patienceMs), {
      baseMs: 50,
      maxMs: 500,
      // It has failed, so the outage was noticed.
      onFailure: () => void (++failures === 1 && wire.restore()),
    }).finally(() => wire.restore())
    assert.deepEqual(await publishing, [])
    assert.deepEqual(firstSights(await take(queue, 3)), ['0', '1', '2'])
  })

  promise('goes on reading once the broker is back', async ({ queue, reopen }) => {
    const reader = queue
      .read({ group: 'g', signal: AbortSignal.timeout(4 * patienceMs), maxItems: 1 })
      [Symbol.asyncIterator]()
    const sender = await reopen()
    await sender.publish(numbered(0, 1))
    const { value: first } = await reader.next()
    await first?.ack()
    wire.cut()
    await patiently(() => sender.publish(numbered(1, 2)), patienceMs)
    let seen = ''
    while (seen !== '1') {
      const { value: batch } = await reader.next()
      assert.ok(batch, 'expected to read on')
      seen = batch.items.map(text).join()
      await patiently(() => batch.ack(), patienceMs)
    }
  })

  promise('convicts no message for nonsense that the broker says', async ({ queue, take }) => {
    await queue.publish(numbered(0, 1))
    const sent = numbered(1, 50)
    const publishing = sent.map((message) => queue.publish([message]))
    wire.babble(Buffer.alloc(64, 0xfe))
    const outcomes = await Promise.allSettled(publishing)
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') assert.deepEqual(outcome.value, [])
    wire.cut() // a client may wait for the rest of the nonsense
    assert.deepEqual(await patiently(() => queue.publish(sent), patienceMs), [])
    const seen = new Set<string>()
    while (seen.size < 50) for (const message of await take(queue, 1)) seen.add(text(message))
  })
}

/** Asks until the broker is found away. */
async function failing(queue: Queue, patienceMs: number): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  while (performance.now() < giveUpAt) await queue.check()
}

/** Repeats what fails transiently. */
function patiently<T>(work: () => Promise<T>, patienceMs: number): Promise<T> {
  return retry(work, AbortSignal.timeout(4 * patienceMs), { baseMs: 50, maxMs: 500 })
}

const firstSights = (messages: readonly Message[]): readonly string[] => [...new Set(messages.map(text))]
