import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../adapter.ts'
import { type Job, needsOwner } from '../services/job.ts'
import { isOrphaned } from '../services/job-owner.ts'
import type { JobParts } from '../services/job-work.ts'
import {
  isRunElsewhere,
  type NewJob,
  runAbandonedJobs,
  runJob,
  setJobState,
  startJob,
} from '../services/jobs.ts'

/** Runs jobs in this process beside everything else. */
export interface Jobs extends AsyncDisposable {
  /** Resolves once the job is noted: it goes on by itself. */
  start(job: NewJob): Promise<Job>
  ask(id: string, wanted: 'pause' | 'resume' | 'stop', by: string): Promise<Job>
}

/** A batch that is under way may take so long when the process ends; then another process finishes it. */
const LAST_BATCH_MS = 5_000

/** Also those whose process has ended, until it is disposed or the signal of the parts aborts. */
export function openJobs(given: JobParts & { readonly logger: Logger }): Jobs {
  const closed = new AbortController()
  const parts = { ...given, signal: AbortSignal.any([given.signal, closed.signal]) }
  const { registry, clock, logger } = parts
  const running = new Set<Promise<unknown>>()

  function run(id: string): void {
    const work = runJob(id, parts).catch((error: unknown) => {
      if (!isRunElsewhere(error) && !parts.signal.aborted) logger.error({ job: id, error }, 'the job failed')
    })
    running.add(work)
    void work.finally(() => running.delete(work))
  }

  const abandoned = runAbandonedJobs(parts, (error) =>
    logger.warn({ error }, 'a job that another process left could not be gone on with'),
  )

  return {
    async start(asked) {
      const job = await startJob(asked, parts)
      run(job.id)
      return job
    },
    async ask(id, wanted, by) {
      const job = await setJobState(registry, id, wanted, by, clock)
      // Its owner sees what is asked for; where there is none, there is this process.
      if (needsOwner(job) && isOrphaned(job)) run(id)
      return job
    },
    async [Symbol.asyncDispose]() {
      closed.abort()
      const ended = Promise.allSettled([...running, abandoned])
      await Promise.race([ended, sleep(LAST_BATCH_MS, undefined, { ref: false })])
    },
  }
}
