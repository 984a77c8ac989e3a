import type { Logger } from './adapter.ts'
import type { DriftWatch } from './drift-watch.ts'
import type { SourceConfig } from './config/schema.ts'
import { HeadwaterError } from './errors.ts'
import type { Watch } from './pump.ts'
import type { Queue } from './queues/queue.ts'
import type { Rules } from './review/interpret.ts'
import type { DeadLetterLimit } from './services/dead-letter-limit.ts'
import { whilePermitted } from './services/control.ts'
import { ingest, type Seen } from './services/ingestion.ts'
import { createLedger, numbered } from './services/ledger.ts'
import { createOrigins } from './services/origins.ts'
import { keepOversize } from './services/oversize.ts'
import { store as keep } from './services/storage.ts'
import type { Suppression } from './services/suppression.ts'
import type { Permit, Source } from './sources/source.ts'
import type { Stopping } from './stopping.ts'
import type { Registry } from './stores/registry.ts'
import type { Store } from './stores/store.ts'
import type { Health } from './telemetry/health.ts'
import type { Metrics, Stage } from './telemetry/metrics.ts'
import type { Counting } from './telemetry/tally.ts'

/** A source that is open, and the rules its items are judged by at the time. */
export interface OpenSource {
  readonly config: SourceConfig
  readonly source: Source
  readonly rules: () => Rules
  /** What operators want of it, where there are any. */
  readonly permit?: Permit
}

export interface Failure {
  readonly source: string
  readonly error: unknown
}

export interface LoopParts {
  /** The number of this start. */
  readonly run: string
  readonly store: Store
  readonly registry: Registry
  readonly reviews: Queue
  readonly deadLetters: Queue
  readonly suppression: Suppression
  readonly limit: DeadLetterLimit
  readonly seen: Seen
  readonly stopping: Stopping
  readonly health: Health
  readonly metrics: Metrics
  readonly counting: Counting
  readonly drift?: Pick<DriftWatch, 'source'> | undefined
  readonly clock: () => number
  /** Milliseconds that nobody sets, for durations. */
  readonly steady: () => number
  readonly logger: Logger
}

/** The services of one process as loops, watched. */
export interface Loops {
  /** From one source to the queues, until it has ended or is told to stop. Never rejects: its failure is noted. */
  readonly source: (open: OpenSource) => Promise<void>
  /** From the queue of one topic to the store, until told to stop. */
  readonly storage: (topic: string, queue: Queue) => Promise<void>
  readonly failures: readonly Failure[]
}

/** A source that is asked for nothing while it is paused. A webhook is asked by others, and answers them itself. */
function permitted(source: Source, permit: Permit): Pick<Source, 'read'> {
  return { read: ({ signal }) => whilePermitted(source.read({ signal }), permit, signal) }
}

/** A loop that works on one batch for longer than this is stuck. */
const STUCK_MS = 60_000
/** The same trouble may last for hours, and is told so often. */
const TELL_EVERY_MS = 60_000

export function createLoops(parts: LoopParts): Loops {
  const { run, store, registry, reviews, deadLetters, suppression, limit, seen } = parts
  const { stopping, health, metrics, counting, drift, clock, steady, logger } = parts
  const failures: Failure[] = []
  const origins = createOrigins(registry)
  const oversize = createLedger(registry, `${run}.oversize`)
  const number = numbered(run)

  function watch(name: string, stage: Stage): Watch {
    const loop = health.loop(name, STUCK_MS)
    const told = new Map<string, number>()
    loop.idle()
    return {
      turned: () => loop.turned(),
      idle: () => loop.idle(),
      trouble({ code, message }) {
        loop.turned()
        metrics.retry(stage, code)
        if (steady() - (told.get(code) ?? -Infinity) < TELL_EVERY_MS) return
        told.set(code, steady())
        logger.warn({ loop: name, code }, `${message}; trying again`)
      },
      settled: (items, ms) => metrics.batch(stage, ms / 1000, items),
    }
  }

  async function source({ config: { name, type }, source, rules, permit }: OpenSource): Promise<void> {
    const tell = health.source(name, type)
    const loop = watch(`source ${name}`, 'publish')
    try {
      metrics.source(name)
      tell('running')
      await ingest(
        {
          source: permit && type !== 'webhook' ? permitted(source, permit) : source,
          rules,
          reviews,
          deadLetters,
          seen,
          suppression,
          number,
          keepOversize: (records, signal) =>
            keepOversize(
              records,
              { store, origins, suppression, limit, ledger: oversize, watch: loop },
              signal,
            ),
          ...(drift && { observe: drift.source(name) }),
          onSafe: (outcomes) => counting.safe(name, outcomes),
          watch: {
            ...loop,
            trouble(error) {
              tell('failing', error.message)
              loop.trouble(error)
            },
            settled(items, ms) {
              tell('running')
              loop.settled(items, ms)
            },
          },
        },
        stopping.sources,
        stopping.kill,
      )
      tell('ended')
    } catch (error) {
      if (stopping.kill.aborted) return
      failures.push({ source: name, error })
      tell('failing', error instanceof HeadwaterError ? error.message : String(error))
      logger.error({ source: name, error }, 'the source stopped; the others go on')
    }
  }

  async function storage(topic: string, queue: Queue): Promise<void> {
    const ledger = createLedger(registry, `${run}.${topic}`)
    const onSettled = counting.settled(clock)
    const loop = watch(`storage ${topic}`, 'store')
    await keep(
      { topic, queue, store, registry, ledger, origins, suppression, limit, clock, onSettled, watch: loop },
      stopping.storage,
      stopping.kill,
    )
  }

  return { source, storage, failures }
}
