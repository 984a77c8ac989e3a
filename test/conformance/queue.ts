import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Batch } from '../../src/batch.ts'
import type { Message, Queue } from '../../src/queues/queue.ts'
import { numbered, numberedApart, text } from '../support/messages.ts'
import type { TcpProxy } from '../support/servers/proxy.ts'
import { groupPromises, type Holds, type Optional, type Stage } from './queue-groups.ts'
import { sharingPromises } from './queue-sharing.ts'
import { troublePromises } from './queue-trouble.ts'

export interface QueueHarness {
  /** Two openings of one name are two sessions on one queue; a new name is an empty queue. */
  readonly open: (name: string) => Promise<Queue>
  /** Opens a topic that is not there; absent where opening makes what is missing. */
  readonly openMissing?: (name: string) => Promise<Queue>
  /** What lies between every session and the broker; absent where there is no broker. */
  readonly wire?: TcpProxy
  readonly holds?: Holds
  /** Whether a new group sees only what is published after it was made. */
  readonly beginsLate?: boolean
  /** False where the broker has no headers, so that only keys and bodies travel. */
  readonly carriesHeaders?: boolean
  /** How coarse the broker's clock is: a message may seem to have come so much earlier. */
  readonly arrivalStepMs?: number
  /** Whether the broker gives out the next message of a key only when the one before it is acknowledged. */
  readonly oneOfAKey?: boolean
  /** Whether the queue can tell that a reader of a group is at work. */
  readonly seesReaders?: boolean
  /** Promises that this adapter can't be held to, by their titles, and why. */
  readonly skip?: Readonly<Record<string, string>>
}

/** The longest that a broker may take to hand over what is there, or to hand back what was released. */
const PATIENCE_MS = 30_000
/** The longest that a queue may take to close. */
const PROMPTLY_MS = 5_000

/** Every queue keeps these promises. The titles are the contract. */
export function queueConformance(name: string, harness: QueueHarness): void {
  const {
    open,
    openMissing,
    wire,
    holds = 'told',
    beginsLate = false,
    carriesHeaders = true,
    arrivalStepMs = 0,
    oneOfAKey = false,
    seesReaders = true,
    skip = {},
  } = harness

  /** Messages of which several can be held at a time. */
  const several = oneOfAKey ? numberedApart : numbered

  function promise(
    title: string,
    run: (stage: Stage) => Promise<void>,
    needs: readonly Optional[] = [],
  ): void {
    test(title, { skip: skip[title] ?? false, timeout: 4 * PATIENCE_MS + 30_000 }, async (t) => {
      const unique = `test-${randomUUID()}`
      await using sessions = new AsyncDisposableStack()
      const reopen = async () => sessions.use(await open(unique))
      const queue = await reopen()
      const missing = needs.filter((method) => queue[method] === undefined)
      if (missing.length > 0) return t.skip(`this queue has no ${missing.join(' and no ')}`)
      if (beginsLate) await queue.addGroup?.('g', { hold: true })
      await run({ queue, reopen, take, hold })
    })
  }

  async function take(queue: Queue, count: number, group = 'g'): Promise<Message[]> {
    const taken: Message[] = []
    for await (const batch of queue.read({ group, signal: AbortSignal.timeout(PATIENCE_MS) })) {
      taken.push(...batch.items)
      await batch.ack()
      if (taken.length >= count) break
    }
    assert.ok(taken.length >= count, `expected ${count} messages, got ${taken.length}`)
    return taken
  }

  async function hold(queue: Queue, count: number): Promise<Batch<Message>[]> {
    const held: Batch<Message>[] = []
    const signal = AbortSignal.timeout(PATIENCE_MS)
    for await (const batch of queue.read({ group: 'g', signal, maxItems: 1 })) {
      held.push(batch)
      if (held.length === count) break
    }
    assert.equal(held.length, count)
    return held
  }

  describe(`${name} queue`, () => {
    promise('delivers the bytes that were published', async ({ queue, take }) => {
      const sent: Message[] = [
        { key: 'k', body: randomBytes(1_024), headers: { a: '1', ce_type: 'é' } },
        { key: 'k', body: Buffer.from([0]) },
        { key: 'k', body: Buffer.from('{"text":"żółć 🧭"}'), headers: { b: '2' } },
        { key: 'k', body: randomBytes(100_000) },
      ]
      assert.deepEqual(await queue.publish(sent), [])
      const got = await take(queue, sent.length)
      assert.deepEqual(got.map(plain), (carriesHeaders ? sent : sent.map(withoutHeaders)).map(plain))
    })

    promise('delivers keys of any script', async ({ queue, take }) => {
      const sent = ['B07', 'ключ', '鍵', '🔑', 'k'.repeat(200)].map((key) => ({
        key,
        body: Buffer.from(key),
      }))
      await queue.publish(sent)
      const got = await take(queue, sent.length)
      assert.deepEqual(new Set(got.map(({ key }) => key)), new Set(sent.map(({ key }) => key)))
      for (const message of got) assert.equal(text(message), message.key)
    })

    promise('keeps the order of one key', async ({ queue, take }) => {
      const keys = Array.from({ length: 64 }, (_, n) => `key-${n}`)
      const rounds = Array.from({ length: 10 }, (_, round) => {
        return keys.map((key) => ({ key, body: Buffer.from(String(round)) }))
      })
      await Promise.all(rounds.map((messages) => queue.publish(messages)))
      const got = await take(queue, 640)
      for (const key of keys) {
        const order = got.filter((message) => message.key === key).map(text)
        assert.deepEqual(
          order,
          rounds.map((_, round) => String(round)),
        )
      }
    })

    promise('hands back what was not acknowledged', async ({ queue, reopen, take, hold }) => {
      await queue.publish(numbered(0, 3))
      await hold(queue, 1)
      await queue[Symbol.asyncDispose]()
      assert.deepEqual((await take(await reopen(), 3)).map(text), ['0', '1', '2'])
    })

    promise('does not hand back what was acknowledged', async ({ queue, reopen, take }) => {
      await queue.publish(numbered(0, 3))
      await take(queue, 3)
      await queue[Symbol.asyncDispose]()
      const again = await reopen()
      await again.publish(numbered(3, 4))
      assert.deepEqual((await take(again, 1)).map(text), ['3'])
    })

    promise('accepts acknowledgements after reading has stopped', async ({ queue, reopen, take, hold }) => {
      await queue.publish(numbered(0, 1))
      const [batch] = await hold(queue, 1)
      await batch?.ack()
      await queue[Symbol.asyncDispose]()
      const again = await reopen()
      await again.publish(numbered(1, 2))
      assert.deepEqual((await take(again, 1)).map(text), ['1'])
    })

    promise(
      'loses nothing when acknowledgements come out of order',
      async ({ queue, reopen, take, hold }) => {
        await queue.publish(several(0, 4))
        const batches = await hold(queue, 4)
        await batches[3]?.ack()
        await batches[1]?.ack()
        await queue[Symbol.asyncDispose]()
        const back = new Set((await take(await reopen(), 2)).map(text))
        const kept = [batches[0], batches[2]].flatMap((batch) => batch?.items.map(text) ?? [])
        assert.ok(kept.length === 2 && kept.every((each) => back.has(each)))
      },
    )

    promise('moves on once what came out of order is complete', async ({ queue, reopen, take, hold }) => {
      await queue.publish(several(0, 4))
      for (const batch of (await hold(queue, 4)).toReversed()) await batch.ack()
      await queue[Symbol.asyncDispose]()
      const again = await reopen()
      await again.publish(numbered(4, 5))
      assert.deepEqual((await take(again, 1)).map(text), ['4'])
    })

    promise('takes an acknowledgement twice for one', async ({ queue, reopen, take, hold }) => {
      await queue.publish(numbered(0, 3))
      const [first] = await hold(queue, 1)
      await Promise.all([first?.ack(), first?.ack()])
      await first?.ack()
      await queue[Symbol.asyncDispose]()
      assert.deepEqual((await take(await reopen(), 2)).map(text), ['1', '2'])
    })

    promise('shows every group every message', async ({ queue, take }) => {
      if (beginsLate) for (const group of ['one', 'two']) await queue.addGroup?.(group, { hold: true })
      await queue.publish(numbered(0, 5))
      assert.deepEqual((await take(queue, 5, 'one')).map(text), ['0', '1', '2', '3', '4'])
      assert.deepEqual((await take(queue, 5, 'two')).map(text), ['0', '1', '2', '3', '4'])
    })

    promise('has the group storage from the opening on', async ({ queue, reopen, take }) => {
      await queue.publish(numbered(0, 3))
      await queue[Symbol.asyncDispose]()
      assert.deepEqual((await take(await reopen(), 3, 'storage')).map(text), ['0', '1', '2'])
    })

    promise('shows a reader without a group all that is kept', async ({ queue, hold, reopen }) => {
      if (beginsLate) return showsWhatComes(queue, await reopen())
      await queue.publish(numbered(0, 3))
      await hold(queue, 1)
      for (const _ of [1, 2]) assert.deepEqual(await look(queue, 3), ['0', '1', '2'])
    })

    promise('keeps nothing of a reader without a group', async ({ queue, take }) => {
      await queue.publish(numbered(0, 3))
      if (beginsLate) await showsWhatComes(queue, queue, 0)
      else await look(queue, 3)
      assert.deepEqual((await take(queue, 3)).map(text), ['0', '1', '2'])
      assert.deepEqual((await take(queue, 3, 'storage')).map(text), ['0', '1', '2'])
    })

    promise('ends quietly when aborted', async ({ queue }) => {
      const stop = new AbortController()
      const next = queue.read({ group: 'g', signal: stop.signal })[Symbol.asyncIterator]().next()
      setImmediate(() => stop.abort())
      assert.equal((await next).done, true)
    })

    promise('reads nothing when it was aborted before', async ({ queue }) => {
      await queue.publish(numbered(0, 1))
      for await (const _ of queue.read({ group: 'g', signal: AbortSignal.abort() })) assert.fail('read')
    })

    promise('wakes for what is published while it waits', async ({ queue, take }) => {
      const taking = take(queue, 1)
      await queue.publish(numbered(0, 1))
      assert.deepEqual((await taking).map(text), ['0'])
    })

    promise('fills a batch for as long as it may linger', async ({ queue }) => {
      await queue.publish(several(0, 1))
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const reader = queue.read({ group: 'g', signal, maxItems: 2, lingerMs: PATIENCE_MS })
      const next = reader[Symbol.asyncIterator]().next()
      await queue.publish(several(1, 2))
      const { value } = await next
      assert.deepEqual(value?.items.map(text).toSorted(), ['0', '1'])
    })

    promise('sets aside what it can never accept', async ({ queue, take }) => {
      const tooLarge = { key: 'k', body: Buffer.alloc(queue.maxMessageBytes + 1) }
      const rejections = await queue.publish([...numbered(0, 1), tooLarge, ...numbered(1, 2)])
      assert.deepEqual(
        rejections.map(({ index, code }) => [index, code]),
        [[1, 'message_too_large']],
      )
      assert.deepEqual((await take(queue, 2)).map(text), ['0', '1'])
    })

    promise('takes an empty publish for nothing', async ({ queue, take }) => {
      assert.deepEqual(await queue.publish([]), [])
      await queue.publish(numbered(0, 1))
      assert.deepEqual((await take(queue, 1)).map(text), ['0'])
    })

    promise('publishes nothing when it was aborted before', async ({ queue, take }) => {
      const reason = new Error('stopped')
      await assert.rejects(queue.publish(numbered(0, 1), { signal: AbortSignal.abort(reason) }), reason)
      await queue.publish(numbered(1, 2))
      assert.deepEqual((await take(queue, 1)).map(text), ['1'])
    })

    promise('takes and delivers 10,000 at once', async ({ queue, take }) => {
      const sent = Array.from({ length: 10_000 }, (_, n) => ({
        key: `key-${n % 100}`,
        body: Buffer.from(String(n)),
      }))
      const [taken] = await Promise.all([take(queue, sent.length), queue.publish(sent)])
      assert.equal(new Set(taken.map(text)).size, sent.length)
    })

    promise('holds memory flat while its reader stalls', async ({ queue }) => {
      await publishMebibytes(queue, 1)
      const stop = new AbortController()
      const reader = queue.read({ group: 'g', signal: stop.signal, maxItems: 1 })[Symbol.asyncIterator]()
      await reader.next()
      const before = memoryInUse()
      await publishMebibytes(queue, 96)
      await reader.next()
      const grown = memoryInUse() - before
      stop.abort()
      await reader.next()
      assert.ok(grown < 48 * MIB, `expected less than 48 MiB more, got ${Math.round(grown / MIB)}`)
    })

    promise('can be disposed of twice, promptly, with work in hand', async ({ queue, hold }) => {
      await queue.publish(numbered(0, 3))
      const [batch] = await hold(queue, 1)
      const waiting = queue.read({ group: 'other', signal: new AbortController().signal })
      const reading = Array.fromAsync(waiting, ({ items }) => items.length)
      const startedAt = performance.now()
      await Promise.all([queue[Symbol.asyncDispose](), queue[Symbol.asyncDispose]()])
      await queue[Symbol.asyncDispose]()
      await reading
      await batch?.ack()
      assert.ok(performance.now() - startedAt < PROMPTLY_MS)
    })

    groupPromises(promise, { holds, beginsLate, arrivalStepMs, seesReaders })
    sharingPromises(promise, PATIENCE_MS)
    if (wire) troublePromises(promise, wire, PATIENCE_MS)

    test('refuses a topic that is not there', {
      skip: !openMissing && 'it makes what is missing',
    }, async () => {
      const opened = openMissing?.(`test-${randomUUID()}`)
      await assert.rejects(async () => (await opened)?.[Symbol.asyncDispose](), { code: 'TOPIC_MISSING' })
    })
  })

  /** A reader without a group sees what is published once it reads, if only `more` of it. */
  async function showsWhatComes(queue: Queue, sender: Queue, more = 3): Promise<void> {
    const stop = new AbortController()
    const seen: string[] = []
    const looking = (async () => {
      for await (const { items } of queue.read({ signal: stop.signal })) seen.push(...items.map(text))
    })()
    const giveUpAt = performance.now() + PATIENCE_MS
    for (let n = 0; more > 0 && seen.length < more && performance.now() < giveUpAt; n++)
      await sender.publish(numbered(n, n + 1))
    stop.abort()
    await looking
    assert.ok(seen.length >= more, `expected ${more} messages, got ${seen.length}`)
    assert.deepEqual(
      seen.map(Number),
      seen.map((_, n) => Number(seen[0]) + n),
    )
  }

  async function look(queue: Queue, count: number): Promise<string[]> {
    const seen: string[] = []
    for await (const { items } of queue.read({ signal: AbortSignal.timeout(PATIENCE_MS) })) {
      seen.push(...items.map(text))
      if (seen.length >= count) break
    }
    return seen
  }
}

const MIB = 1024 * 1024

const withoutHeaders = ({ key, body }: Message): Message => ({ key, body })
const plain = ({ key, body, headers }: Message) => [key, body.toString('hex'), { ...headers }]

/** Publishes so much, over as many keys, in messages of 64 KiB. */
async function publishMebibytes(queue: Queue, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const body = randomBytes(MIB / 16)
    await queue.publish(Array.from({ length: 16 }, () => ({ key: `key-${n}`, body })))
  }
}

/** What is reachable, on the heap and beside it. */
function memoryInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
