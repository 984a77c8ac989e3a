import { sentenceOf } from '../event.ts'
import type { Queue } from '../queues/queue.ts'
import type { Rules } from '../review/interpret.ts'
import type { LedgerEntry } from '../review/record.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store, Stored } from '../stores/store.ts'
import { discardAll, redriveAll } from './dead-letters.ts'
import type { FailureReason, Job } from './job.ts'

/** What a job works with. */
export interface JobTools {
  readonly store: Store
  readonly registry: Registry
  readonly reviews: Pick<Queue, 'publish'>
  /** The rules of today, by which letters are judged; those of a preset where one is named. Opened once a run. */
  readonly openRules: (preset?: string) => Promise<(record: Stored) => Promise<Rules>>
  readonly number: () => LedgerEntry
  readonly clock: () => number
}

/** What became of some letters. */
export interface Worked {
  readonly passed: number
  readonly failed: readonly Omit<FailureReason, 'count'>[]
}

/** Does to some letters what the job is about. Safe to repeat with what is read anew. */
export type Work = (rows: readonly Stored[]) => Promise<Worked>

/** A batch that was begun is finished: nothing aborts it. */
const signal = new AbortController().signal

/** What a job does to its letters, by the rules of today. */
export async function openWork(job: Job, tools: JobTools): Promise<Work> {
  const { store, registry, reviews, number, clock } = tools
  if (job.kind === 'discard') {
    const { reason } = job.params
    return async (rows) => ({
      passed: await discardAll(rows, reason, { store, signal }, clock()),
      failed: [],
    })
  }
  const { repair, preset } = job.params
  const rules = await tools.openRules(preset)
  return async (rows) => {
    const redriven = await redriveAll(rows, { store, registry, reviews, rules, number, signal }, repair)
    const failed = redriven.flatMap(({ verdict }) =>
      verdict.status === 'rejected'
        ? [{ code: verdict.code, message: sentenceOf(verdict).slice(0, MAX_MESSAGE) }]
        : [],
    )
    return { passed: redriven.length - failed.length, failed }
  }
}

const MAX_MESSAGE = 300
/** More reasons than these are not told apart. */
const MOST_REASONS = 20

/** The job with these letters counted, and none of them in flight any more. */
export function counted(job: Job, { passed, failed }: Worked): Job {
  const reasons = new Map(job.reasons.map((reason) => [reason.code, reason]))
  for (const { code, message } of failed) {
    const name = reasons.has(code) || reasons.size < MOST_REASONS ? code : 'others'
    const known = reasons.get(name) ?? { code: name, message, count: 0 }
    reasons.set(name, { ...known, count: known.count + 1 })
  }
  return {
    ...job,
    done: job.done + passed + failed.length,
    passed: job.passed + passed,
    failed: job.failed + failed.length,
    reasons: [...reasons.values()].toSorted((a, b) => b.count - a.count),
    inFlight: [],
  }
}

/**
 * The job behind a batch, before which it was through with so many letters. Where its canary ended with that batch, it runs on
 * or stops; also one that a person paused meanwhile, so that no resume passes over a canary that failed.
 */
export function judged(job: Job, doneBefore: number): Job {
  const canary = job.kind === 'redrive' ? job.params.canary : undefined
  if (canary === undefined || doneBefore >= canary.count || job.done < canary.count) return job
  const { minShare } = canary
  if (job.passed / job.done >= minShare - Number.EPSILON)
    return job.state === 'canary' ? { ...job, state: 'running' } : job
  const why = `only ${job.passed} of the first ${job.done} passed, and ${Number((minShare * 100).toFixed(2))} % were asked for`
  return { ...job, state: 'stopped', why }
}
