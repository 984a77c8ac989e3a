import { setTimeout as sleep } from 'node:timers/promises'
import type { Cancellable } from '../batch.ts'
import { HeadwaterError } from '../errors.ts'
import { hasEnded } from '../lib/processes.ts'
import { createWatch } from '../lib/silence.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store } from '../stores/store.ts'
import { openChanges } from './changes.ts'
import { lettersOf } from './clusters.ts'
import {
  createJob,
  type DiscardParams,
  isGoing,
  type Job,
  jobEntries,
  needsOwner,
  newJobId,
  readJob,
  type RedriveParams,
  removeJob,
  updateJob,
} from './job.ts'
import { workOnLetters } from './job-letters.ts'
import { beating, SILENT_MS, take } from './job-owner.ts'
import { workOnReplay } from './job-replay.ts'
import type { JobParts } from './job-work.ts'
import { placeOf, type ReplayParams } from './replay-params.ts'

export type NewJob = { readonly by: string } & (
  | { readonly kind: 'redrive'; readonly params: RedriveParams }
  | { readonly kind: 'discard'; readonly params: DiscardParams }
  | { readonly kind: 'replay'; readonly params: ReplayParams }
)

const LOOK_EVERY_MS = 5_000
/** As many jobs are remembered when they have ended. */
const ENDED_KEPT = 100
/** So many jobs that others have left are gone on with at the same time. */
const MOST_AT_ONCE = 4

type Beginning = Pick<JobParts, 'store' | 'registry' | 'openTarget' | 'clock' | 'signal'>

/**
 * Notes a job, which `runJob` then does. Throws NOT_FOUND where the cluster has no letters, and what opening its target
 * throws where a replay can not reach it.
 */
export async function startJob(asked: NewJob, beginning: Beginning): Promise<Job> {
  const { registry, clock } = beginning
  const { kind, params, by } = asked
  const total = await totalOf(asked, beginning)
  const at = new Date(clock()).toISOString()
  const job = {
    id: newJobId(clock()),
    ...asked,
    state: kind === 'redrive' && asked.params.canary !== undefined ? 'canary' : 'running',
    ...(total !== undefined && { total }),
    done: 0,
    passed: 0,
    failed: 0,
    reasons: [],
    startedAt: at,
    updatedAt: at,
    inFlight: [],
  } as const satisfies Job
  await forgetOld(registry)
  await createJob(registry, job)
  const about = aimOf(asked)
  const details = { job: job.id, ...params }
  if (about !== undefined) await openChanges(registry, clock).note({ who: by, what: kind, about, details })
  return job
}

/** How many letters there are, where that can be told. Throws where there is nothing to be done, or no way to. */
async function totalOf(
  { kind, params }: NewJob,
  { store, openTarget, signal }: Beginning,
): Promise<number | undefined> {
  if (kind === 'replay') {
    await using _ = params.target && (await openTarget(params.target))
    return undefined
  }
  await lettersOf(store, params.cluster, { most: 1, signal })
  return countOf(store, params.cluster, signal)
}

/** What a job changes; undefined of a replay that only counts. */
function aimOf(job: NewJob | Job): string | undefined {
  if (job.kind !== 'replay') return `cluster ${job.params.cluster}`
  return job.params.target && placeOf(job.params.target)
}

/** Throws NOT_FOUND. */
export const getJob = async (registry: Registry, id: string): Promise<Job> =>
  (await readJob(registry, id)).job

/** The newest first; as many as are kept. */
export async function listJobs(registry: Registry, options?: Cancellable): Promise<readonly Job[]> {
  const entries = await Array.fromAsync(jobEntries(registry, options))
  return entries.map(({ job }) => job).toReversed()
}

/**
 * Asks for a change of state, which whoever runs the job sees between two batches. `resume` makes it ready to be run again;
 * also a job that was stopped or failed. Throws NOT_FOUND, or JOB_ENDED where nothing is left to do.
 */
export async function setJobState(
  registry: Registry,
  id: string,
  wanted: 'pause' | 'resume' | 'stop',
  by: string,
  clock: () => number = Date.now,
): Promise<Job> {
  const before = await getJob(registry, id)
  const job = await updateJob(registry, id, (job) => {
    if (job.state === 'done' || (wanted === 'pause' && !isGoing(job) && job.state !== 'paused')) {
      throw new HeadwaterError('JOB_ENDED', `the job ${id} is ${job.state}: there is nothing to ${wanted}`)
    }
    const { why: _, ...rest } = job
    const updatedAt = new Date(clock()).toISOString()
    if (wanted === 'resume') return isGoing(job) ? job : { ...rest, state: goingState(job), updatedAt }
    const state = wanted === 'pause' ? 'paused' : 'stopped'
    return job.state === state ? job : { ...rest, state, why: `by ${by}`, updatedAt }
  })
  if (job.state !== before.state) {
    await openChanges(registry, clock).note({
      who: by,
      what: `${wanted} job`,
      about: `job ${id}`,
      details: {},
    })
  }
  return job
}

/** A canary that failed has been seen by who resumes the job nevertheless. */
function goingState(job: Job): 'canary' | 'running' {
  const canary = job.kind === 'redrive' ? job.params.canary : undefined
  return canary !== undefined && job.done < canary.count ? 'canary' : 'running'
}

/**
 * Does a job, in batches, until it is done, somebody pauses or stops it, or the signal aborts; finishes first what was in
 * flight when another process ended. Resolves to the job as it is then. Throws JOB_RUNNING where another process is at work
 * on it, and what made the job fail. In memory it holds one batch.
 */
export async function runJob(id: string, parts: JobParts): Promise<Job> {
  const found = await getJob(parts.registry, id)
  if (!needsOwner(found)) return found
  const held = await take(id, parts)
  using _ = beating(held, parts)
  try {
    await (found.kind === 'replay' ? workOnReplay(found, held, parts) : workOnLetters(found, held, parts))
  } catch (error) {
    if (!held.isMine()) throw error
    if (!parts.signal.aborted) {
      const why = error instanceof Error ? error.message.slice(0, 500) : String(error)
      await held.update((job) => ({ ...job, state: 'failed', why }))
      await noteEnd(await held.release(), parts)
      throw error
    }
  }
  const job = await held.release()
  if (!isGoing(job) && job.state !== 'paused') await noteEnd(job, parts)
  return job
}

async function countOf(store: Store, cluster: string, signal: AbortSignal): Promise<number | undefined> {
  for await (const found of store.clusters?.({ signal }) ?? [])
    if (found.cluster === cluster) return found.count
  return undefined
}

async function noteEnd(job: Job, { registry, clock }: JobParts): Promise<void> {
  if (aimOf(job) === undefined) return
  const { id, state, done, passed, failed, why, by, kind } = job
  const details = { state, done, passed, failed, ...(why !== undefined && { why }) }
  await openChanges(registry, clock).note({ who: by, what: `${kind} ended`, about: `job ${id}`, details })
}

/** What is in flight is finished by who resumes it, whatever made it fail. */
const isOver = (job: Job): boolean => !isGoing(job) && job.state !== 'paused' && job.inFlight.length === 0

async function forgetOld(registry: Registry): Promise<void> {
  const entries = await Array.fromAsync(jobEntries(registry))
  const ended = entries.filter(({ job }) => isOver(job))
  for (const { job, revision } of ended.slice(0, Math.max(0, ended.length - ENDED_KEPT)))
    await removeJob(registry, job.id, revision)
}

/**
 * Runs the jobs whose process has ended, and those that nobody has begun or gone on with for a while, a few at the same
 * time, until the signal aborts. Looks every few seconds; what fails is told.
 */
export async function runAbandonedJobs(parts: JobParts, onError: (error: unknown) => void): Promise<void> {
  const { registry, signal } = parts
  const silent = createWatch(SILENT_MS)
  const running = new Map<string, Promise<unknown>>()

  async function abandoned(): Promise<readonly string[]> {
    const entries = await Array.fromAsync(jobEntries(registry, { signal }))
    const open = entries.filter(({ job }) => needsOwner(job))
    const revisions = new Map(open.map(({ job, revision }) => [job.id, revision]))
    const quiet = new Set(silent(revisions, performance.now()))
    const isFree = ({ id, owner }: Job): boolean => quiet.has(id) || (owner !== undefined && hasEnded(owner))
    return open.flatMap(({ job }) => (isFree(job) ? [job.id] : []))
  }

  const tell = (error: unknown): void => {
    if (!signal.aborted && !isRunElsewhere(error)) onError(error)
  }

  function goOnWith(id: string): void {
    if (running.has(id) || running.size >= MOST_AT_ONCE) return
    const work = runJob(id, parts).catch(tell)
    running.set(
      id,
      work.finally(() => running.delete(id)),
    )
  }

  while (!signal.aborted) {
    try {
      for (const id of await abandoned()) goOnWith(id)
    } catch (error) {
      tell(error)
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
  }
  await Promise.all(running.values())
}

/** Whether another process is at work on the job. */
export const isRunElsewhere = (error: unknown): boolean =>
  error instanceof HeadwaterError && error.code === 'JOB_RUNNING'
