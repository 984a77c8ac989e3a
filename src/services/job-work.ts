import type { TransientError } from '../errors.ts'
import { retry } from '../lib/retry.ts'
import type { Queue } from '../queues/queue.ts'
import type { Rules } from '../review/interpret.ts'
import type { LedgerEntry } from '../review/record.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store, Stored } from '../stores/store.ts'
import type { FailureReason, Job } from './job.ts'
import type { ReplayInto } from './replay.ts'
import type { ReplayTarget } from './replay-params.ts'

/** What a job is run with. */
export interface JobParts {
  readonly store: Store
  readonly registry: Registry
  readonly reviews: Pick<Queue, 'publish'>
  /** Opens where a replay goes. Throws USAGE where the queue has no such place. */
  readonly openTarget: (target: ReplayTarget) => Promise<ReplayInto>
  /** The rules of today, by which records are judged; those of a preset where one is named. Opened once a run. */
  readonly openRules: (preset?: string) => Promise<(record: Stored) => Promise<Rules>>
  readonly number: () => LedgerEntry
  readonly clock: () => number
  /** Aborts between two batches; the job then waits for another process. */
  readonly signal: AbortSignal
  readonly onProgress?: (job: Job) => void
  /** Told of what fails for now, and is tried again. */
  readonly onTrouble?: (error: TransientError) => void
}

/** What became of some records. */
export interface Worked {
  readonly passed: number
  readonly failed: readonly FailureReason[]
}

/** A batch that was begun is finished: nothing aborts it. */
export const unhurried: AbortSignal = new AbortController().signal

/** Repeats what fails for now; but once the job is to end, what was begun is no longer waited for. */
export function createPatience({
  signal,
  onTrouble,
}: Pick<JobParts, 'signal' | 'onTrouble'>): <T>(attempt: () => Promise<T>) => Promise<T> {
  const policy = { baseMs: 50, maxMs: 10_000, ...(onTrouble && { onFailure: onTrouble }) }
  return (attempt) => (signal.aborted ? attempt() : retry(attempt, signal, policy))
}

/** More reasons than these are not told apart. */
const MOST_REASONS = 20

/** The job with these records counted, and none of them in flight any more. */
export function counted(job: Job, { passed, failed }: Worked): Job {
  const reasons = new Map(job.reasons.map((reason) => [reason.code, reason]))
  let failures = 0
  for (const { code, message, count } of failed) {
    const name = reasons.has(code) || reasons.size < MOST_REASONS ? code : 'others'
    const known = reasons.get(name) ?? { code: name, message, count: 0 }
    reasons.set(name, { ...known, count: known.count + count })
    failures += count
  }
  return {
    ...job,
    done: job.done + passed + failures,
    passed: job.passed + passed,
    failed: job.failed + failures,
    reasons: [...reasons.values()].toSorted((a, b) => b.count - a.count),
    inFlight: [],
  }
}
