import { once } from 'node:events'
import type { Logger } from '../adapter.ts'
import { HeadwaterError } from '../errors.ts'
import { retry } from '../lib/retry.ts'
import type { Queue } from '../queues/queue.ts'
import type { Rules } from '../review/interpret.ts'
import type { LedgerEntry } from '../review/record.ts'
import { type JobState, newJobId } from '../services/job.ts'
import { replay } from '../services/replay.ts'
import type { Page, Scan, Store, Stored } from '../stores/store.ts'

/** Replays of this process: they end with it, and what they have published stays published. */
export interface Replays {
  start(asked: AskedReplay): ReplayJob
  /** The newest first. */
  list(): readonly ReplayJob[]
  get(id: string): ReplayJob | undefined
  /** Throws JOB_ENDED where nothing is left to do. */
  ask(id: string, wanted: 'pause' | 'resume' | 'stop', by: string): ReplayJob
}

export interface AskedReplay {
  readonly select: Scan
  /** What a person is told of it. */
  readonly params: Readonly<Record<string, unknown>>
  /** Opens where it goes, which is disposed of at the end; only counts where it is absent. */
  readonly into: (() => Promise<Target>) | undefined
  readonly rules: (record: Stored) => Promise<Rules>
  readonly number: () => LedgerEntry
  readonly by: string
}

export type Target = Pick<Queue, 'publish'> & AsyncDisposable

/** Like a job on dead letters, as far as both can be: `passed` was published, or would be. */
export interface ReplayJob {
  readonly id: string
  readonly kind: 'replay'
  readonly params: Readonly<Record<string, unknown>>
  readonly state: Exclude<JobState, 'canary'>
  readonly why?: string
  readonly done: number
  readonly passed: number
  readonly failed: number
  readonly reasons: readonly { readonly code: string; readonly message: string; readonly count: number }[]
  readonly by: string
  /** RFC 3339. */
  readonly startedAt: string
  readonly updatedAt: string
}

export interface ReplaysOptions {
  readonly store: Pick<Store, 'scan'>
  readonly clock: () => number
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** As many are remembered when they have ended. */
const KEPT = 50
/** Each reads the whole store, maybe. */
const MOST_AT_ONCE = 4

interface Running {
  job: ReplayJob
  readonly stopped: AbortController
  /** Aborts where it may go on; absent while it isn't paused. */
  resumed?: AbortController | undefined
}

export function createReplays({ store, clock, signal, logger }: ReplaysOptions): Replays {
  const replays = new Map<string, Running>()

  const isGoing = ({ job }: Running): boolean => job.state === 'running' || job.state === 'paused'

  function change(running: Running, facts: Partial<ReplayJob>): ReplayJob {
    running.job = { ...running.job, ...facts, updatedAt: new Date(clock()).toISOString() }
    return running.job
  }

  function find(id: string): Running {
    const running = replays.get(id)
    if (running) return running
    throw new HeadwaterError('NOT_FOUND', `there is no job ${id}`)
  }

  async function* gated(running: Running, pages: AsyncIterable<Page>): AsyncGenerator<Page> {
    for await (const page of pages) {
      while (running.resumed && !running.stopped.signal.aborted) {
        const ways = [running.resumed.signal, running.stopped.signal]
        await once(AbortSignal.any(ways), 'abort')
      }
      yield page
    }
  }

  async function run(running: Running, { select, into, rules, number }: AskedReplay): Promise<void> {
    const ended = AbortSignal.any([signal, running.stopped.signal])
    try {
      await using target = await (into?.() ?? NOWHERE)
      await replay({
        store: { scan: (scan) => gated(running, store.scan(scan)) },
        select,
        // Trouble of the queue is waited out.
        into: { publish: (messages, o) => retry(() => target.publish(messages, o), ended, PATIENCE) },
        rules,
        number,
        signal: ended,
        dryRun: into === undefined,
        onPage({ looked, published, rejected, refused, refusal = '' }) {
          const reasons = [
            { code: 'rejected', message: 'still rejected by the rules of today', count: rejected },
            { code: 'refused', message: refusal, count: refused },
          ].filter(({ count }) => count > 0)
          change(running, { done: looked, passed: published, failed: rejected + refused, reasons })
        },
      })
      change(running, { state: 'done' })
    } catch (error) {
      if (running.stopped.signal.aborted) return
      const why = error instanceof Error ? error.message.slice(0, 500) : String(error)
      change(running, { state: signal.aborted ? 'stopped' : 'failed', why })
      if (!signal.aborted) logger.error({ job: running.job.id, error }, 'the replay failed')
    }
  }

  function forgetOld(): void {
    const ended = [...replays].filter(([, running]) => !isGoing(running))
    for (const [id] of ended.slice(0, Math.max(0, ended.length - KEPT))) replays.delete(id)
  }

  return {
    start(asked) {
      forgetOld()
      if ([...replays.values()].filter(isGoing).length >= MOST_AT_ONCE) {
        const message = `${MOST_AT_ONCE} replays are under way: let one of them end, or stop it`
        throw new HeadwaterError('CONFLICT', message)
      }
      const at = new Date(clock()).toISOString()
      const { params, by } = asked
      const counts = { done: 0, passed: 0, failed: 0, reasons: [] }
      const id = newJobId(clock())
      const job = { id, kind: 'replay', params, state: 'running', ...counts, by } as const
      const running = { job: { ...job, startedAt: at, updatedAt: at }, stopped: new AbortController() }
      replays.set(id, running)
      void run(running, asked)
      return running.job
    },
    list: () => [...replays.values()].map(({ job }) => job).toReversed(),
    get: (id) => replays.get(id)?.job,
    ask(id, wanted, by) {
      const running = find(id)
      if (!isGoing(running))
        throw new HeadwaterError(
          'JOB_ENDED',
          `the job ${id} is ${running.job.state}: there is nothing to ${wanted}`,
        )
      const { resumed } = running
      running.resumed = wanted === 'pause' ? (resumed ?? new AbortController()) : undefined
      if (wanted !== 'pause') resumed?.abort()
      if (wanted === 'stop') running.stopped.abort()
      const states = { pause: 'paused', resume: 'running', stop: 'stopped' } as const
      const { why: _, ...rest } = running.job
      running.job = rest
      return change(running, { state: states[wanted], ...(wanted !== 'resume' && { why: `by ${by}` }) })
    },
  }
}

const PATIENCE = { baseMs: 100, maxMs: 10_000 }

const NOWHERE: Target = {
  publish: async () => [],
  [Symbol.asyncDispose]: async () => {},
}
