import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Batch } from '../../src/batch.ts'
import type { Received } from '../../src/review/received.ts'
import type { Source, SourceContext } from '../../src/sources/source.ts'
import { createMemoryRegistry } from './memory-registry.ts'
import { plainProvider } from '../support/plain-provider.ts'

export interface SourceHarness {
  /**
   * A new place is a provider of which nothing was read yet; opening a place again is a restart. The context is one that
   * the source can be opened with: its registry remembers the place, its folder is gone after the promise.
   */
  readonly open: (place: string, context: SourceContext) => Promise<Source>
  /** How many items a new place offers, in several batches. */
  readonly items: number
  /** What its items must say of themselves. */
  readonly origin: string
  readonly source: string
  readonly kind: string
  /** Promises this source can't be held to, and why. */
  readonly skip?: Readonly<Record<string, string>>
  /** The longest it may take until its items are there. */
  readonly patienceMs?: number
  /** How long silence must last before we believe it, where a source does not end by itself. */
  readonly quietMs?: number
}

/** Every source keeps these promises. The titles are the contract. */
export function sourceConformance(name: string, harness: SourceHarness): void {
  const { open, items, skip = {}, patienceMs = 5_000, quietMs = 300 } = harness

  type Run = (source: Source, reopen: () => Promise<Source>) => Promise<void>

  function promise(title: string, run: Run): void {
    test(title, { skip: skip[title] ?? false, timeout: 3 * patienceMs }, async () => {
      const place = `test-${randomUUID()}`
      const dataDir = await mkdtemp(join(tmpdir(), 'headwater-test-'))
      await using cleanUp = new AsyncDisposableStack()
      cleanUp.defer(() => rm(dataDir, { recursive: true, force: true }))
      const context = contextOf(harness, dataDir)
      await using source = await open(place, context)
      await run(source, async () => {
        await source[Symbol.asyncDispose]()
        return open(place, context)
      })
    })
  }

  describe(`${name} source`, () => {
    promise('says of every item who sent it, what it is and when it came', async (source) => {
      const before = Date.now()
      const received = await take(source, items)
      assert.equal(received.length, items)
      for (const { origin, receivedAt, raw, context } of received) {
        assert.deepEqual(
          [origin, context.source, context.kind],
          [harness.origin, harness.source, harness.kind],
        )
        assert.ok(receivedAt >= before && receivedAt <= Date.now(), `received at ${receivedAt}`)
        assert.ok(Buffer.isBuffer(raw))
      }
    })

    promise('hands back what was not acknowledged', async (source, reopen) => {
      const [lost] = await hold(source, 1)
      assert.ok(lost && lost.items.length > 0)
      await using again = await reopen()
      const back = await take(again, items)
      assert.equal(back.length, items)
      assert.deepEqual(texts(back).slice(0, lost.items.length), texts(lost.items))
    })

    promise('does not hand back what was acknowledged', async (source, reopen) => {
      await take(source, items)
      await using again = await reopen()
      await assertQuiet(again)
    })

    promise('goes on where it was after a restart', async (source, reopen) => {
      const first = await take(source, 1)
      assert.ok(first.length < items, 'the harness must offer several batches')
      await using again = await reopen()
      assert.equal((await take(again, items - first.length)).length, items - first.length)
    })

    promise('accepts acknowledgements after reading has stopped', async (source, reopen) => {
      const [batch] = await hold(source, 1)
      assert.ok(batch)
      await batch.ack()
      await using again = await reopen()
      const rest = items - batch.items.length
      assert.equal((await take(again, rest)).length, rest)
    })

    promise('loses nothing when acknowledgements come out of order', async (source, reopen) => {
      const [first, second] = await hold(source, 2)
      assert.ok(first && second)
      await second.ack()
      await using again = await reopen()
      const back = new Set(texts(await take(again, items - second.items.length)))
      assert.ok(texts(first.items).every((text) => back.has(text)))
    })

    promise('takes an acknowledgement twice for one', async (source, reopen) => {
      const [batch] = await hold(source, 1)
      assert.ok(batch)
      await Promise.all([batch.ack(), batch.ack()])
      await batch.ack()
      await using again = await reopen()
      const rest = items - batch.items.length
      assert.equal((await take(again, rest)).length, rest)
    })

    promise('ends quietly and promptly when aborted', async (source) => {
      const stop = new AbortController()
      let batches = 0
      let abortedAt = 0
      for await (const batch of source.read({ signal: stop.signal })) {
        batches += 1
        await batch.ack()
        abortedAt = performance.now()
        stop.abort()
      }
      assert.equal(batches, 1)
      assert.ok(performance.now() - abortedAt < 5_000)
    })

    promise('reads nothing when it is aborted before', async (source) => {
      for await (const _ of source.read({ signal: AbortSignal.abort() }))
        assert.fail('a batch after the abort')
    })

    promise('can be disposed twice, and with work in hand', async (source) => {
      await hold(source, 1)
      await source[Symbol.asyncDispose]()
      await source[Symbol.asyncDispose]()
    })
  })

  async function hold(source: Source, count: number): Promise<Batch<Received>[]> {
    const held: Batch<Received>[] = []
    for await (const batch of source.read({ signal: AbortSignal.timeout(patienceMs) })) {
      held.push(batch)
      if (held.length === count) break
    }
    return held
  }

  /** Acknowledges batches until there are that many items, or until the source ends. */
  async function take(source: Source, count: number): Promise<Received[]> {
    const taken: Received[] = []
    for await (const batch of source.read({ signal: AbortSignal.timeout(patienceMs) })) {
      taken.push(...batch.items)
      await batch.ack()
      if (taken.length >= count) break
    }
    return taken
  }

  async function assertQuiet(source: Source): Promise<void> {
    for await (const batch of source.read({ signal: AbortSignal.timeout(quietMs) })) {
      assert.fail(`${batch.items.length} items came again`)
    }
  }
}

function contextOf({ source, origin }: SourceHarness, dataDir: string): SourceContext {
  const quiet = (): void => {}
  return {
    name: source,
    origin,
    run: 'run-1',
    split: (document) => [{ raw: document }],
    provider: plainProvider(),
    repeated: () => {},
    clock: Date.now,
    registry: createMemoryRegistry(),
    http: { add: () => true },
    httpIsLoopback: true,
    trouble: quiet,
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    signal: new AbortController().signal,
    dataDir,
  }
}

const texts = (items: readonly Received[]): string[] => items.map(({ raw }) => raw.toString('latin1'))
