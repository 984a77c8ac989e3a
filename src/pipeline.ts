import { hostname } from 'node:os'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Environment, newRun, openQueue, openRegistry, openSource, openStore } from './app.ts'
import type { SourceConfig } from './config/schema.ts'
import { isLoopback } from './lib/fields.ts'
import { openAdmin } from './console/admin.ts'
import { BoundedMap } from './lib/bounded-map.ts'
import { createIntakeListener, listen } from './listeners.ts'
import type { Watch } from './pump.ts'
import type { Queue } from './queues/queue.ts'
import type { Rules } from './review/interpret.ts'
import { ingest, type Seen } from './services/ingestion.ts'
import { createLedger } from './services/ledger.ts'
import { keepOversize } from './services/oversize.ts'
import { store as keep } from './services/storage.ts'
import type { Progress, Source } from './sources/source.ts'
import { prefixed } from './stores/prefixed.ts'
import type { Registry } from './stores/registry.ts'
import { createAlerts } from './telemetry/alerts/alert.ts'
import { createRules } from './telemetry/alerts/rules.ts'
import { watchAlerts } from './telemetry/alerts/watch.ts'
import { createHealth } from './telemetry/health.ts'
import { createMetrics, type Stage } from './telemetry/metrics.ts'
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
  status(): Promise<Status>
  /** Whether any source ends by itself. */
  readonly ends: boolean
  /** Resolves when every source that ends has ended and all is stored; the other sources are ended for it. */
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

export interface Failure {
  readonly source: string
  readonly error: unknown
}

export interface Status extends Tally {
  /** Messages that are published and not yet stored. */
  readonly backlog: number
  readonly progress: readonly Progress[]
}

interface OpenSource {
  readonly config: SourceConfig
  readonly source: Source
  readonly rules: Rules
}

/** How many items a process remembers having published. */
const REMEMBERED = 100_000
/** A loop that works on one batch for longer than this is stuck. */
const STUCK_MS = 60_000
const DRAIN_CHECK_MS = 25
/** Whoever told it to stop may end it by force after 10 s. */
const STOP_LIMIT_MS = 8_000

/**
 * Opens the services that are asked for and starts them: what it resolves to is running. It stops by itself where the
 * signal of `env` aborts.
 */
export async function openPipeline(env: Environment, options: PipelineOptions): Promise<Pipeline> {
  const { config, logger } = env
  const { clock } = options
  const { topics } = config.queue
  const stopping = new AbortController()
  const stopSources = new AbortController()
  const stopStorage = new AbortController()
  const kill = new AbortController()
  const run = newRun(clock())
  const health = createHealth({ clock })
  const metrics = createMetrics(clock)
  const counting = createCounting(metrics)
  const failures: Failure[] = []

  await using opened = new AsyncDisposableStack()
  const registry = opened.use(await openRegistry(env))
  const store = opened.use(await openStore(env))
  const reviews = opened.use(await openQueue(env, topics.reviews))
  const deadLetters = opened.use(await openQueue(env, topics.deadLetters))
  const http = createIntakeListener()
  opened.defer(() => http.close())
  const look = createLook({
    health,
    metrics,
    topics: { [topics.reviews]: questions(reviews), [topics.deadLetters]: questions(deadLetters) },
    dataDir: config.dataDir,
    clock,
  })
  const alerts = createAlerts(createRules(config.alerts.rules))
  const admin = openAdmin({ health, metrics, refresh: look, alerts, token: config.admin.token })
  opened.defer(() => admin.close())
  const sources = options.ingestion ? await openSources() : []
  health.require('queue', () => backlog(reviews))
  await options.prepare?.({ run, registry })
  const addresses = options.listen
    ? {
        ...(options.ingestion && { http: await listen(http, config.http.listen, 'http.listen') }),
        admin: await listen(admin, config.admin.listen, 'admin.listen'),
      }
    : {}

  async function openSources(): Promise<readonly OpenSource[]> {
    const checkpoints = prefixed(registry, options.checkpointsIn ?? '')
    const parts = {
      run,
      clock,
      registry: checkpoints,
      http,
      httpIsLoopback: isLoopback(config.http.listen.host),
      ...(options.stdin && { stdin: options.stdin }),
    }
    const all: OpenSource[] = []
    for (const source of config.sources.filter(({ enabled }) => enabled)) {
      const ready = await openSource(env, source, parts)
      all.push({ config: source, source: opened.use(ready.source), rules: ready.rules })
    }
    return all
  }

  function watch(name: string, stage: Stage): Watch {
    const loop = health.loop(name, STUCK_MS)
    loop.idle()
    return {
      turned: () => loop.turned(),
      idle: () => loop.idle(),
      trouble(error) {
        loop.turned()
        metrics.retry(stage, error.code)
        logger.warn({ loop: name, code: error.code }, `${error.message}; trying again`)
      },
    }
  }

  let seq = 0
  const number = () => ({ run, seq: seq++ })
  const oversize = createLedger(registry, `${run}.oversize`)
  const seen = options.remember ? remembering(REMEMBERED) : NOTHING_SEEN

  async function runSource({ config: { name, type }, source, rules }: OpenSource): Promise<void> {
    const tell = health.source(name, type)
    const loop = watch(`source ${name}`, 'publish')
    try {
      metrics.source(name)
      tell('running')
      await ingest(
        {
          source,
          rules,
          reviews,
          deadLetters,
          seen,
          number,
          keepOversize: (records, signal) => keepOversize(records, { store, ledger: oversize }, signal),
          onSafe(outcomes) {
            tell('running')
            counting.safe(name, outcomes)
          },
          watch: {
            ...loop,
            trouble(error) {
              tell('failing', error.message)
              loop.trouble(error)
            },
          },
        },
        stopSources.signal,
        kill.signal,
      )
      tell('ended')
    } catch (error) {
      if (kill.signal.aborted) return
      failures.push({ source: name, error })
      tell('failing', String(error))
      logger.error({ source: name, error }, 'the source stopped; the others go on')
    }
  }

  async function runStorage(topic: string, queue: Queue): Promise<void> {
    const ledger = createLedger(registry, `${run}.${topic}`)
    const loop = watch(`storage ${topic}`, 'store')
    const onSettled = counting.settled(clock)
    await keep(
      { topic, queue, store, registry, ledger, clock, onSettled, watch: loop },
      stopStorage.signal,
      kill.signal,
    )
  }

  const endless = sources.filter(({ source }) => source.progress === undefined)
  const ending = sources.filter(({ source }) => source.progress !== undefined)
  const endingRuns = Promise.all(ending.map(runSource))
  const sourceRuns = Promise.all([endingRuns, ...endless.map(runSource)])
  const storageRuns = options.storage
    ? [runStorage(topics.reviews, reviews), runStorage(topics.deadLetters, deadLetters)]
    : []

  async function runAll(): Promise<void> {
    // What storage can't write must not pile up: its end is the end of everything.
    for (const storage of storageRuns) storage.catch(stop)
    await until(stopping.signal)
    await sourceRuns
    stopStorage.abort()
    const ended = await Promise.allSettled(storageRuns)
    const failed = ended.find((end) => end.status === 'rejected')
    if (failed && !kill.signal.aborted) throw failed.reason
  }
  const stopped = runAll()
  stopped.catch(() => {}) // whoever opened the pipeline looks at it later

  function stop(): void {
    if (stopping.signal.aborted) return
    stopping.abort()
    stopSources.abort()
    const limit = setTimeout(() => {
      logger.warn(
        {},
        `not finished after ${STOP_LIMIT_MS / 1000} s; what is in hand is abandoned and comes again`,
      )
      kill.abort(new Error('stopping took too long'))
    }, STOP_LIMIT_MS)
    const cancel = (): void => clearTimeout(limit)
    stopped.then(cancel, cancel)
  }
  if (env.signal.aborted) stop()
  else env.signal.addEventListener('abort', stop, { once: true })

  if (options.listen) {
    opened.use(watchAlerts({ ...config.alerts, look, alerts, from: hostname(), clock, logger }))
  }
  const resources = opened.move()

  return {
    run,
    registry,
    addresses,
    failures,
    stopped,
    ends: ending.length > 0,
    async status() {
      const waiting = (await backlog(reviews)) + (await backlog(deadLetters))
      return {
        ...counting.tally,
        backlog: waiting,
        progress: ending.flatMap(({ source }) => source.progress?.() ?? []),
      }
    },
    async drained() {
      await endingRuns
      stopSources.abort()
      await sourceRuns
      await Promise.all([caughtUp(reviews, stopping.signal), caughtUp(deadLetters, stopping.signal)])
    },
    stop,
    kill() {
      kill.abort(new Error('told to stop at once'))
      stop()
    },
    async [Symbol.asyncDispose]() {
      stop()
      await stopped.catch(() => {})
      env.signal.removeEventListener('abort', stop)
      await resources.disposeAsync()
    },
  }
}

/** Waits until all that is in the queue is stored. */
async function caughtUp(queue: Queue, signal: AbortSignal): Promise<void> {
  if (queue.caughtUp) return queue.caughtUp('storage', { signal })
  while (!signal.aborted && (await backlog(queue)) > 0) await sleep(DRAIN_CHECK_MS)
}

function questions(queue: Queue): TopicQuestions {
  return { backlog: () => backlog(queue), oldestAgeMs: async () => queue.oldestAgeMs?.('storage') }
}

async function backlog(queue: Queue): Promise<number> {
  return (await queue.backlog?.('storage')) ?? 0
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function remembering(capacity: number): Seen {
  const keys = new BoundedMap<string, true>(capacity)
  return { has: (key) => keys.get(key) === true, add: (key) => keys.set(key, true) }
}

const NOTHING_SEEN: Seen = { has: () => false, add: () => {} }
