import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import type { Batch } from '../../../src/batch.ts'
import { createIntakeListener } from '../../../src/listeners.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { createSplit } from '../../../src/presets/split.ts'
import type { Received, Split } from '../../../src/review/received.ts'
import { savedIn } from '../../../src/sources/checkpoint.ts'
import httpJob from '../../../src/sources/http-job/index.ts'
import { openRunner } from '../../../src/sources/http-job/runner.ts'
import { state } from '../../../src/sources/http-job/state.ts'
import { createHosts } from '../../../src/sources/http/hosts.ts'
import { steady } from '../../../src/sources/http/pace.ts'
import type { SourceContext } from '../../../src/sources/source.ts'
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
  /** From now on whoever sleeps does so until it is stopped or woken; resolves when somebody does. */
  freeze(): Promise<void>
  /** How the job of a source without products is, as it was saved. */
  phase(): Promise<string | undefined>
  readonly log: { readonly level: string; readonly fields: object; readonly message: string }[]
  /** Resolves when such a line is logged from now on. */
  told(pattern: RegExp): Promise<void>
  /** What was told to be wrong, one after the other; undefined where all was well again. */
  readonly troubles: unknown[]
  open(settings: object, more?: Partial<SourceContext>): Promise<Jobs>
}

/** A source that is being read. */
export interface Jobs extends AsyncDisposable {
  /** Where the provider may tell of jobs. */
  readonly hook: string
  /** The next batch, not acknowledged. */
  next(): Promise<Batch<Received>>
  /** The texts of so many batches, each acknowledged. */
  take(batches: number): Promise<string[][]>
  /** The texts of all batches until a result is read, each acknowledged; then stops. */
  readResult(): Promise<string[]>
  /** Reads on, expecting nothing, until this resolves; then stops. */
  quietUntil(stop: Promise<unknown>): Promise<void>
  /** Reads on as a process does that is killed before anything is acknowledged. */
  readOn(): void
}

export const DAY = 24 * 3_600_000

export const splitOf = async (preset: string): Promise<Split> => createSplit(await loadPreset(preset))

export const textsOf = ({ items }: Batch<Received>): string[] => items.map(({ raw }) => raw.toString())

export function createPlace(split: Split = (raw) => [{ raw }]): Place {
  const registry = createMemoryRegistry()
  const watchers = new Set<(message: string) => void>()
  let frozen: PromiseWithResolvers<void> | undefined
  const logged =
    (level: string) =>
    (fields: object, message: string): void => {
      place.log.push({ level, fields, message })
      for (const look of watchers) look(message)
    }

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
    log: [],
    troubles: [],
    told: (pattern) =>
      new Promise((resolve) => {
        watchers.add((message) => pattern.test(message) && resolve())
      }),
    async phase() {
      const entry = await registry.get('job/shop/of/-')
      return entry && savedIn(entry, state)?.phase
    },
    freeze() {
      frozen = Promise.withResolvers()
      return frozen.promise
    },
    async open(settings, more) {
      frozen = undefined
      const time = { sleep, random: () => 1 }
      const hosts = createHosts(
        sleep,
        steady(() => place.now),
      )
      await using opened = new AsyncDisposableStack()
      const http = opened.use(createIntakeListener({ requestTimeoutMs: 60_000, maxConnections: 100 }))
      const context: SourceContext = {
        name: 'shop',
        origin: 'acme',
        run: 'run-1',
        split,
        provider: plainProvider(),
        repeated: () => {},
        clock: () => place.now,
        signal: new AbortController().signal,
        dataDir: '/nowhere',
        registry,
        http,
        httpIsLoopback: true,
        trouble: (error) => void place.troubles.push(error),
        logger: {
          debug: logged('debug'),
          info: logged('info'),
          warn: logged('warn'),
          error: logged('error'),
        },
        ...more,
      }
      const source = opened.use(await openRunner(httpJob.config.parse(settings), context, time, hosts))
      const hook = `${await http.listen({ host: '127.0.0.1', port: 0 })}/hooks/shop`
      const stopping = new AbortController()
      const batches = source.read({ signal: stopping.signal })[Symbol.asyncIterator]()

      async function next(): Promise<Batch<Received>> {
        const { done, value } = await batches.next()
        assert.ok(done !== true, 'expected a batch, found the end')
        return value
      }
      const resources = opened.move()

      return {
        hook,
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
        async readResult() {
          const texts: string[] = []
          void place.told(/the result of a job was read/).then(() => stopping.abort())
          for (;;) {
            const { done, value } = await batches.next()
            if (done === true) return texts
            texts.push(...textsOf(value))
            await value.ack()
          }
        },
        async quietUntil(stop) {
          const unexpected = batches.next()
          await stop
          stopping.abort()
          const { done, value } = await unexpected
          assert.ok(done === true, `expected nothing, found ${value && textsOf(value)}`)
        },
        readOn() {
          void batches.next().catch(() => {})
        },
        [Symbol.asyncDispose]: () => resources.disposeAsync(),
      }
    },
  }
  return place
}
