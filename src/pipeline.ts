import { hostname } from 'node:os'
import type { Readable } from 'node:stream'
import {
  type Environment,
  newRun,
  nextPollOf,
  openQueue,
  openRegistry,
  openRules,
  openTarget,
  openSource,
  openStore,
  throttledOf,
} from './app.ts'
import { openConsole } from './console/open.ts'
import { backlog, caughtUp, settled } from './draining.ts'
import { watchDrift } from './drift-watch.ts'
import type { TransientError } from './errors.ts'
import { isLoopback } from './lib/fields.ts'
import { retry } from './lib/retry.ts'
import { createIntakeListener, listen } from './listeners.ts'
import { createLoops, type Failure, type OpenSource } from './loops.ts'
import type { Queue } from './queues/queue.ts'
import { watchControl } from './services/control.ts'
import { createDeadLetterLimit } from './services/dead-letter-limit.ts'
import { NOTHING_SEEN, rememberSeen } from './services/ingestion.ts'
import { watchRepairs } from './services/repairs.ts'
import { openSuppression } from './services/suppression.ts'
import type { Polling, Progress } from './sources/source.ts'
import { createStopping, runToTheEnd } from './stopping.ts'
import { prefixed } from './stores/prefixed.ts'
import type { Registry } from './stores/registry.ts'
import { createAlerts } from './telemetry/alerts/alert.ts'
import { createRules } from './telemetry/alerts/rules.ts'
import { watchAlerts } from './telemetry/alerts/watch.ts'
import { createHealth, type Pause } from './telemetry/health.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { createCounting, type Tally } from './telemetry/tally.ts'
import { createLook, type TopicQuestions } from './telemetry/vitals.ts'

export interface PipelineOptions {
  /** Which services run in this process. */
  readonly ingestion: boolean
  readonly storage: boolean
  /** Whether to open the two listeners. */
  readonly listen: boolean
  /** Whether what this process published before is left out when it comes again. */
  readonly remember: boolean
  /** Where in the registry the sources keep their checkpoints. */
  readonly checkpointsIn?: string
  /** What a source may read as the standard input. */
  readonly stdin?: Readable
  /** Done before anything is read or published. */
  readonly prepare?: (pipeline: Pick<Pipeline, 'run' | 'registry'>) => Promise<void>
  readonly clock: () => number
}

export interface Pipeline extends AsyncDisposable {
  /** The number of this start; what it publishes is counted under it. */
  readonly run: string
  readonly registry: Registry
  /** Where it listens, as URLs. */
  readonly addresses: { readonly http?: string; readonly admin?: string }
  readonly tally: Tally
  status(): Promise<Status>
  /** Whether any source ends by itself. */
  readonly ends: boolean
  /**
   * Resolves when every source that ends has ended and all is stored; the other sources are ended for it. Where the broker
   * can't tell what waits, or what other processes have in hand, all is what this run has published.
   */
  drained(): Promise<void>
  /** Resolves when the pipeline has stopped; rejects with what stopped it, if nobody asked for it. */
  readonly stopped: Promise<void>
  /** What went wrong with sources while the others went on. */
  readonly failures: readonly Failure[]
  /** Ends reading; what is in hand is finished, or abandoned where that takes too long. */
  stop(): void
  /** Abandons what is in hand: it comes again. */
  kill(): void
}

export interface Status extends Tally {
  /** Messages that are published and not yet stored, where the broker can tell. */
  readonly backlog: number | undefined
  readonly progress: readonly Progress[]
}

/** How many items a process remembers having published. */
const REMEMBERED = 100_000

/**
 * Opens the services that are asked for and starts them: what it resolves to is running. It stops by itself where the
 * signal of `env` aborts.
 */
export async function openPipeline(env: Environment, options: PipelineOptions): Promise<Pipeline> {
  const { config, logger } = env
  const { clock } = options
  const { topics } = config.queue
  const run = newRun(clock())
  const stopping = createStopping(logger)
  const steady = (): number => performance.now()
  const pauseOf = (source: string): Pause => control.stateOf(source)
  const health = createHealth({ clock, steady, pauseOf })
  const metrics = createMetrics(steady)
  const counting = createCounting(metrics)

  await using opened = new AsyncDisposableStack()
  const open = options.listen ? outlasting(env) : atOnce
  const registry = opened.use(await open(() => openRegistry(env)))
  const store = opened.use(await open(() => openStore(env)))
  const reviews = opened.use(await open(() => openQueue(env, topics.reviews)))
  const deadLetters = opened.use(await open(() => openQueue(env, topics.deadLetters)))
  const suppression = opened.use(
    await openSuppression(registry, (error) =>
      logger.warn({ error }, 'the list of erased reviews is as it was'),
    ),
  )
  const limit = createDeadLetterLimit(store, config.deadLetters.maxBytes)
  const http = opened.use(createIntakeListener(config.http))
  const look = createLook({
    health,
    metrics,
    polling: pollingOf,
    pauseOf,
    topics: { [topics.reviews]: questions(reviews), [topics.deadLetters]: questions(deadLetters) },
    deadLetters: { bytes: () => limit.bytes(), maxBytes: limit.maxBytes },
    dataDir: config.dataDir,
    clock,
    steady,
  })
  const alerts = createAlerts(createRules(config.alerts.rules))
  const control = opened.use(
    await watchControl(registry, (error) => logger.warn({ error }, 'which sources are paused is as it was')),
  )
  const admin = options.listen ? opened.use(await openOperators()) : undefined
  const sources = options.ingestion ? await openSources() : []
  const sourcesByName = new Map(sources.map((source) => [source.config.name, source]))
  health.require('queue', (signal) => reviews.check({ signal }))
  await options.prepare?.({ run, registry })
  const addresses = {
    ...(options.listen &&
      options.ingestion && { http: await listen(http, config.http.listen, 'http.listen') }),
    ...(admin && { admin: await listen(admin, config.admin.listen, 'admin.listen') }),
  }

  function openOperators(): ReturnType<typeof openConsole> {
    return openConsole({
      config,
      store,
      registry,
      reviews,
      control,
      health,
      metrics,
      look,
      alerts,
      run,
      clock,
      steady,
      logger,
      polling: pollingOf,
      throttle: (source) => throttledOf(source, registry),
      nextPoll(source, providerUntil) {
        const isPaused = pauseOf(source.name).paused
        return nextPollOf(source, registry, { isPaused, providerUntil, now: clock() })
      },
      openRules: (preset) => openRules(env, registry, preset),
      openTarget: (target) => openTarget(env, target),
      newRun: () => newRun(clock()),
      stopping: stopping.asked,
    })
  }

  function pollingOf(name: string): Polling | undefined {
    return sourcesByName.get(name)?.source.polling?.()
  }

  async function openSources(): Promise<readonly OpenSource[]> {
    const kept = opened.use(
      await watchRepairs(registry, {
        onChange: (source, repairs) =>
          logger.info({ source, repairs: repairs.map(({ id }) => id) }, 'the source keeps these repairs'),
        onTrouble: (error) => logger.warn({ error }, 'the repairs that sources keep are as they were'),
      }),
    )
    const parts = {
      run,
      clock,
      registry: prefixed(registry, options.checkpointsIn ?? ''),
      http,
      httpIsLoopback: isLoopback(config.http.listen.host),
      ...(options.stdin && { stdin: options.stdin }),
    }
    const all: OpenSource[] = []
    for (const source of config.sources.filter(({ enabled }) => enabled)) {
      const trouble = (error: unknown): void => health.trouble(source.name, error)
      const repeated = (items: number): void => counting.repeated(source.name, items)
      const permit = control.permitOf(source.name)
      const own = { ...parts, trouble, repeated, permit }
      const ready = await openSource(env, source, own, () => kept.of(source.name))
      all.push({ config: source, source: opened.use(ready.source), rules: ready.rules, permit })
    }
    return all
  }

  const drift =
    options.listen && options.ingestion
      ? opened.use(watchDrift({ registry, health, clock, steady, logger }))
      : undefined
  const loops = createLoops({
    run,
    store,
    registry,
    reviews,
    deadLetters,
    suppression,
    limit,
    seen: options.remember ? rememberSeen(REMEMBERED) : NOTHING_SEEN,
    stopping,
    health,
    metrics,
    counting,
    drift,
    clock,
    steady,
    logger,
  })
  const endless = sources.filter(({ source }) => source.progress === undefined)
  const ending = sources.filter(({ source }) => source.progress !== undefined)
  const endingRuns = Promise.all(ending.map(loops.source))
  const sourceRuns = Promise.all([endingRuns, ...endless.map(loops.source)])
  const storageRuns = options.storage
    ? [loops.storage(topics.reviews, reviews), loops.storage(topics.deadLetters, deadLetters)]
    : []

  const stopped = runToTheEnd(sourceRuns, storageRuns, stopping).finally(stopping.finished)
  stopped.catch(() => {}) // whoever opened the pipeline looks at it later

  if (env.signal.aborted) stopping.stop()
  else env.signal.addEventListener('abort', stopping.stop, { once: true })

  if (options.listen) {
    const watching = watchAlerts({
      ...config.alerts,
      look,
      alerts,
      from: hostname(),
      clock,
      steady,
      signal: stopping.asked,
      logger,
    })
    opened.defer(() => watching)
  }
  const resources = opened.move()

  return {
    run,
    registry,
    addresses,
    failures: loops.failures,
    tally: counting.tally,
    stopped,
    ends: ending.length > 0,
    async status() {
      const [one, other] = await Promise.all([backlog(reviews), backlog(deadLetters)])
      return {
        ...counting.tally,
        backlog: one === undefined || other === undefined ? undefined : one + other,
        progress: ending.flatMap(({ source }) => source.progress?.() ?? []),
      }
    },
    async drained() {
      await endingRuns
      stopping.endSources()
      await sourceRuns
      const all = await Promise.all([
        caughtUp(reviews, stopping.asked),
        caughtUp(deadLetters, stopping.asked),
      ])
      if (all.includes(false)) await settled(counting.tally.published, { registry, run }, stopping.asked)
    },
    stop: stopping.stop,
    kill: stopping.killNow,
    async [Symbol.asyncDispose]() {
      stopping.stop()
      await stopped.catch(() => {})
      env.signal.removeEventListener('abort', stopping.stop)
      await resources.disposeAsync()
    },
  }
}

type Opening = <T>(open: () => Promise<T>) => Promise<T>

const atOnce: Opening = (open) => open()

/** A service that starts beside its servers, or before them, waits for them as it would once it runs. */
function outlasting({ logger, signal }: Environment): Opening {
  const onFailure = ({ code, message }: TransientError): void =>
    logger.warn({ code }, `${message}; not ready, trying again`)
  return (open) => retry(open, signal, { baseMs: 500, maxMs: 10_000, onFailure })
}

function questions(queue: Queue): TopicQuestions {
  return {
    backlog: async (signal) => queue.backlog?.('storage', { signal }),
    oldestAgeMs: async (signal) => queue.oldestAgeMs?.('storage', { signal }),
  }
}
