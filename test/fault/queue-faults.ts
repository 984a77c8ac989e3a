import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { retry } from '../../src/lib/retry.ts'
import type { Message, Queue, QueueAdapter } from '../../src/queues/queue.ts'
import { startProgram } from '../support/cli.ts'
import { queueContext } from '../support/queue-context.ts'
import type { TcpProxy } from '../support/servers/proxy.ts'

export interface FaultHarness {
  /** The adapter's own file. */
  readonly module: string
  /** What a person writes to reach the broker through the wire. */
  readonly settings: object
  readonly wire: TcpProxy
  readonly dataDir: string
  /** The broker itself. One that keeps nothing when it ends has no `restart`. */
  readonly broker: { freeze(): void; thaw(): void; kill(): Promise<void>; restart?(): Promise<void> }
  /** Makes a topic that will outlive an end of the broker, and resolves when it would. */
  readonly provision: (topic: string) => Promise<void>
  /** How many messages each promise is tried with. */
  readonly count: number
  /** How long it may take until others have what a killed reader had. */
  readonly takeoverMs: number
  /** How many messages may come twice, of all, for one trouble: what is under way at once. */
  readonly repeatsATrouble: number
  readonly skip?: Readonly<Record<string, string>>
  /** The promises that are tried on this broker, by their titles; all unless told. */
  readonly only?: readonly string[]
  readonly limitMs?: number
}

const KEYS = 16
const BATCH = 50
const program = join(import.meta.dirname, '../support/queue-reader.ts')

/** What a queue promises whatever becomes of its broker, of the wire to it, and of its readers. The titles are the contract. */
export function queueFaults(name: string, harness: FaultHarness): void {
  const { wire, broker, count, skip = {}, only, limitMs = 120_000 } = harness

  function promise(title: string, run: (t: TestContext) => Promise<void>): void {
    if (only && !only.includes(title)) return
    test(title, { skip: skip[title] ?? false, timeout: 2 * limitMs }, run)
  }

  /** Publishes and reads `count` messages, with trouble at some places of the way. */
  async function load(
    t: TestContext,
    troubles: number,
    trouble: (queue: Queue) => Promise<void>,
  ): Promise<void> {
    await using stage = await openStage(harness)
    const reading = stage.read(limitMs)
    const at = Array.from({ length: troubles }, (_, n) => Math.floor(((n + 1) * count) / (troubles + 1)))
    const troubled: Promise<void>[] = []
    for (let sent = 0; sent < count; sent += BATCH) {
      if (at.some((place) => place >= sent && place < sent + BATCH)) troubled.push(trouble(stage.queue))
      await stage.publish(sent, Math.min(count, sent + BATCH), limitMs)
    }
    await Promise.all(troubled)
    const seen = await reading.all(count)
    assertKept(t, { seen, count, repeats: troubles * harness.repeatsATrouble })
  }

  describe(`${name} queue, in trouble`, () => {
    promise('loses nothing while connections are cut', async (t) => {
      await load(t, 5, async () => wire.cut())
    })

    promise('loses nothing when what was asked is done and the answer is lost', async (t) => {
      await load(t, 3, async () => {
        wire.stall('down')
        await sleep(500) // long enough for what was asked to arrive
        wire.cut()
        wire.restore()
      })
    })

    promise('loses nothing while the wire is held in both directions past every timeout', async (t) => {
      await load(t, 1, async (queue) => {
        wire.stall('both')
        await away(queue, limitMs)
        wire.restore()
      })
    })

    promise('outlasts a broker that is frozen past every timeout', async (t) => {
      await load(t, 1, async (queue) => {
        broker.freeze()
        await away(queue, limitMs).finally(() => broker.thaw())
      })
    })

    promise('loses nothing when the broker is killed and comes back', async (t) => {
      if (!broker.restart) return t.skip('this broker keeps nothing when it ends')
      await load(t, 2, async () => {
        await broker.kill()
        await broker.restart?.()
      })
    })

    promise('gives what a killed reader had to the others, within its time', async (t) => {
      await using stage = await openStage(harness)
      const { module, settings, dataDir } = harness
      const args = [program, module, stage.topic, 'g', dataDir, JSON.stringify(settings)]
      await using killed = startProgram(process.execPath, args)
      await killed.waitFor(/reading/)
      const half = Math.floor(count / 2)
      await stage.publish(0, half, limitMs)
      await killed.waitFor(/^\d+$/)
      const reading = stage.read(limitMs)
      const { stdout } = await killed.kill()
      const killedAt = performance.now()
      await stage.publish(half, count, limitMs)
      const theirs = stdout
        .split('\n')
        .filter((line) => /^\d+$/.test(line))
        .map(Number)
      const seen = await reading.all(count, theirs)
      assertKept(t, { seen: [...theirs, ...seen], count, repeats: harness.repeatsATrouble })
      const tookMs = reading.reachedAt(nextOfEachKey(theirs, count)) - killedAt
      t.diagnostic(`taken over after ${Math.round(tookMs)} ms`)
      assert.ok(tookMs < harness.takeoverMs, `expected less than ${harness.takeoverMs} ms, took ${tookMs}`)
    })

    promise('loses nothing while readers come and go', async (t) => {
      await using stage = await openStage(harness)
      const steady = stage.read(limitMs)
      const passing: Promise<readonly number[]>[] = []
      for (let sent = 0; sent < count; sent += BATCH) {
        if (sent % Math.ceil(count / 4) < BATCH) passing.push(readSome(await stage.another(), BATCH, limitMs))
        await stage.publish(sent, Math.min(count, sent + BATCH), limitMs)
      }
      const theirs = (await Promise.all(passing)).flat()
      const seen = await steady.all(count, theirs)
      assertKept(t, {
        seen: [...theirs, ...seen],
        count,
        repeats: 4 * harness.repeatsATrouble,
        isOrdered: false,
      })
    })
  })
}

interface Kept {
  readonly seen: readonly number[]
  readonly count: number
  readonly repeats: number
  /** Whether the order in which they were noted is that in which they were read. */
  readonly isOrdered?: boolean
}

function assertKept(t: TestContext, { seen, count, repeats, isOrdered = true }: Kept): void {
  const distinct = [...new Set(seen)]
  t.diagnostic(`${count} published, 0 lost, ${seen.length - distinct.length} came again`)
  assert.equal(distinct.length, count)
  assert.ok(seen.length - count <= repeats, `${seen.length - count} came again, expected at most ${repeats}`)
  if (!isOrdered) return
  for (const ofKey of Map.groupBy(distinct, (n) => n % KEYS).values())
    assert.deepEqual(
      ofKey,
      ofKey.toSorted((a, b) => a - b),
    )
}

async function openStage({ module, settings, dataDir, provision }: FaultHarness) {
  const topic = `faults-${randomUUID()}`
  const { default: adapter } = (await import(pathToFileURL(module).href)) as {
    default: QueueAdapter<unknown>
  }
  await provision(topic)
  const disposal = new AsyncDisposableStack()
  const open = async () =>
    disposal.use(await adapter.open(adapter.config.parse(settings), queueContext(dataDir, topic)))
  const queue = await open()
  return {
    topic,
    queue,
    another: open,
    /** Publishes the numbers until they are acknowledged. */
    async publish(from: number, to: number, limitMs: number): Promise<void> {
      const messages = Array.from({ length: to - from }, (_, n) => messageOf(from + n))
      const rejections = await retry(() => queue.publish(messages), AbortSignal.timeout(limitMs), {
        baseMs: 50,
        maxMs: 1_000,
      })
      assert.deepEqual(rejections, [])
    },
    /** Reads as the group `g` from now on; `all` resolves once every number was seen, here or by others. */
    read(limitMs: number) {
      const seen: number[] = []
      const seenAt = new Map<number, number>()
      const stop = new AbortController()
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(limitMs)])
      const reading = (async () => {
        for await (const batch of queue.read({ group: 'g', signal, maxItems: 20 })) {
          const numbers = batch.items.map(numberOf)
          seen.push(...numbers)
          for (const n of numbers) seenAt.set(n, seenAt.get(n) ?? performance.now())
          await retry(() => batch.ack(), signal, { baseMs: 50, maxMs: 1_000 })
        }
      })()
      reading.catch(() => {})
      return {
        async all(count: number, elsewhere: readonly number[] = []): Promise<readonly number[]> {
          while (new Set([...seen, ...elsewhere]).size < count && !signal.aborted) await sleep(20)
          stop.abort()
          await reading
          return seen
        },
        /** When the last of these was seen here for the first time. */
        reachedAt: (numbers: readonly number[]): number =>
          Math.max(...numbers.map((n) => seenAt.get(n) ?? Number.NaN)),
      }
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}

/** What a reader that has seen these would have seen next of each key. */
function nextOfEachKey(seen: readonly number[], count: number): readonly number[] {
  const isSeen = new Set(seen)
  const missing = Array.from({ length: count }, (_, n) => n).filter((n) => !isSeen.has(n))
  return [...Map.groupBy(missing, (n) => n % KEYS).values()].flatMap(([first]) => first ?? [])
}

/** Reads about so many, and leaves. */
async function readSome(queue: Queue, count: number, limitMs: number): Promise<readonly number[]> {
  const seen: number[] = []
  for await (const batch of queue.read({
    group: 'g',
    signal: AbortSignal.timeout(limitMs / 4),
    maxItems: 10,
  })) {
    await batch.ack()
    seen.push(...batch.items.map(numberOf))
    if (seen.length >= count) break
  }
  await queue[Symbol.asyncDispose]()
  return seen
}

/** Resolves once the queue has noticed that its broker does not answer. */
async function away(queue: Queue, limitMs: number): Promise<void> {
  const giveUpAt = performance.now() + limitMs
  while (performance.now() < giveUpAt) {
    const isAway = await queue.check().then(
      () => false,
      () => true,
    )
    if (isAway) return
    await sleep(50)
  }
  assert.fail('the queue did not notice')
}

const messageOf = (n: number): Message => ({ key: `key-${n % KEYS}`, body: Buffer.from(String(n)) })
const numberOf = ({ body }: Message): number => Number(body.toString())
