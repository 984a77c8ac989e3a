import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import type { Batch } from '../../../src/batch.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { presetSchema } from '../../../src/presets/preset.ts'
import { createSplit } from '../../../src/presets/split.ts'
import type { Received } from '../../../src/review/received.ts'
import httpPoll from '../../../src/sources/http-poll/index.ts'
import { createHosts } from '../../../src/sources/http/hosts.ts'
import { steady } from '../../../src/sources/http/pace.ts'
import { openPoller } from '../../../src/sources/http-poll/poller.ts'
import type { Polling, SourceContext } from '../../../src/sources/source.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { createMemoryRegistry } from '../../conformance/memory-registry.ts'
import { plainProvider } from '../../support/plain-provider.ts'

/** Where a source is opened again and again: its registry, its clock and its log outlive it. */
export interface Place {
  readonly registry: Registry
  /** A clock that only moves when somebody sleeps or the test sets it. */
  now: number
  /** How long was slept, one after the other. */
  readonly slept: number[]
  /** What full jitter draws: 1 is the longest wait. */
  random: number
  /** From now on whoever sleeps does so until it is stopped; resolves when somebody does. */
  freeze(): Promise<void>
  readonly log: { readonly level: string; readonly fields: object; readonly message: string }[]
  /** What was told to be wrong, one after the other; undefined where all was well again. */
  readonly troubles: unknown[]
  open(settings: object, more?: Partial<SourceContext>): Promise<Poll>
  /** What is saved of a crawl; undefined where nothing is but who has it. */
  saved(product?: string): Promise<{ readonly place: object; readonly yielded?: object } | undefined>
}

/** A source that is being read. */
export interface Poll extends AsyncDisposable {
  /** The next batch, not acknowledged. */
  next(): Promise<Batch<Received>>
  /** The texts of so many batches, each acknowledged. */
  take(batches: number): Promise<string[][]>
  /** Reads on, expecting nothing, until this resolves; then stops. */
  quietUntil(stop: Promise<unknown>): Promise<void>
  /** What it tells of itself. */
  polling(): Polling
  /** Ends the reading as a stopping process does, and resolves when it has ended. */
  stop(): Promise<void>
}

export const DAY = 24 * 3_600_000

export function createPlace(): Place {
  const registry = createMemoryRegistry()
  let frozen: PromiseWithResolvers<void> | undefined
  const logged =
    (level: string) =>
    (fields: object, message: string): void =>
      void place.log.push({ level, fields, message })

  async function sleep(ms: number, signal: AbortSignal): Promise<void> {
    const end = place.now + ms
    await turn()
    if (frozen) {
      frozen.resolve()
      await once(signal, 'abort')
    }
    signal.throwIfAborted()
    place.slept.push(ms)
    // Several may sleep at once.
    place.now = Math.max(place.now, end)
  }

  const place: Place = {
    registry,
    now: Date.UTC(2026, 0, 1),
    slept: [],
    random: 1,
    log: [],
    troubles: [],
    async saved(product = '-') {
      const entry = await registry.get(`checkpoint/shop/${product}`)
      return entry && JSON.parse(entry.value.toString()).state
    },
    freeze() {
      frozen = Promise.withResolvers()
      return frozen.promise
    },
    async open(settings, more) {
      frozen = undefined
      const time = { sleep, random: () => place.random }
      const context = {
        name: 'shop',
        origin: 'acme',
        run: 'run-1',
        split: LISTED,
        provider: plainProvider(),
        repeated: () => {},
        clock: () => place.now,
        signal: new AbortController().signal,
        registry,
        trouble: (error) => void place.troubles.push(error),
        logger: {
          debug: logged('debug'),
          info: logged('info'),
          warn: logged('warn'),
          error: logged('error'),
        },
        ...more,
      } as SourceContext
      const source = await openPoller(httpPoll.config.parse(settings), context, time, hosts)
      const stopping = new AbortController()
      const batches = source.read({ signal: stopping.signal })[Symbol.asyncIterator]()

      async function next(): Promise<Batch<Received>> {
        const { done, value } = await batches.next()
        assert.ok(done !== true, 'expected a batch, found the end')
        return value
      }

      return {
        next,
        async take(count) {
          const taken: string[][] = []
          while (taken.length < count) {
            const batch = await next()
            taken.push(textsOf(batch))
            await batch.ack()
          }
          return taken
        },
        async quietUntil(stop) {
          const unexpected = batches.next()
          await stop
          stopping.abort()
          const { done, value } = await unexpected
          assert.ok(done === true, `expected nothing, found ${value && textsOf(value)}`)
        },
        async stop() {
          stopping.abort()
          while ((await batches.next()).done !== true);
        },
        polling: () => source.polling?.() ?? assert.fail('a poller tells how it polls'),
        [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
      }
    },
  }
  const hosts = createHosts(
    sleep,
    steady(() => place.now),
  )
  return place
}

/** `{"reviews": […]}`, where an error is `{"error": "…"}` and the product of a page is carried along. */
export const LISTED = createSplit(
  presetSchema.parse({
    name: 'listed',
    version: 1,
    items: ['/reviews/*'],
    failed: { when: '/error', message: '/error' },
    carry: { product: ['/product'] },
    fields: {},
  }),
)

export const splitOf = async (preset: string) => createSplit(await loadPreset(preset))

export const textsOf = ({ items }: Batch<Received>): string[] => items.map(({ raw }) => raw.toString())

/** Reviews with these numbers. */
export const numbered = (...ids: readonly (number | string)[]): object[] => ids.map((id) => ({ id }))
export const textsWith = (...ids: readonly (number | string)[]): string[] =>
  numbered(...ids).map((item) => JSON.stringify(item))
