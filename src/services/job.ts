import { randomBytes } from 'node:crypto'
import type { Cancellable } from '../batch.ts'
import { HeadwaterError } from '../errors.ts'
import type { ProcessSign } from '../lib/processes.ts'
import type { Repair } from '../review/repair.ts'
import type { Entry, Registry } from '../stores/registry.ts'
import type { ReplayParams } from './replay-params.ts'

/** Work on many records, which outlives the process that does it. It is one small entry in the registry. */
export type Job = LetterJob | ReplayJob

/** Changes the dead letters of a cluster. */
export type LetterJob = (JobOf<'redrive', RedriveParams> | JobOf<'discard', DiscardParams>) & JobProgress

/** Publishes records again, or counts those that it would publish, and changes nothing in the store. */
export type ReplayJob = JobOf<'replay', ReplayParams> & JobProgress

interface JobOf<Kind extends string, Params> {
  readonly kind: Kind
  readonly params: Params
}

export interface RedriveParams {
  readonly cluster: string
  /** Tied to each letter that passes with it; without one, the rules of today alone decide. */
  readonly repair?: Repair
  readonly canary?: Canary
  /** The preset to judge by, where the config no longer has the source. */
  readonly preset?: string
}

/** So many letters are redriven first; the job stops where a smaller share of them passes than this, from 0 to 1. */
export interface Canary {
  readonly count: number
  readonly minShare: number
}

export interface DiscardParams {
  readonly cluster: string
  readonly reason: string
}

/**
 * `canary` and `running`: it is worked on, or waits for a process that does. `stopped`: by a person, or because its canary
 * failed. `failed`: by an error that trying again does not mend. `done`: it has been at every record.
 */
export type JobState = 'canary' | 'running' | 'paused' | 'stopped' | 'failed' | 'done'

interface JobProgress {
  /** Later jobs sort behind earlier ones. */
  readonly id: string
  readonly state: JobState
  /** Why it is in this state, where that needs saying. */
  readonly why?: string
  /** How many letters there were when it began, counted to 10,000 and no further; not known of a replay. */
  readonly total?: number
  /** Records that it is through with: those that passed (published, or discarded), and those that did not. */
  readonly done: number
  readonly passed: number
  readonly failed: number
  /** Why records failed, the most frequent code first; `message` is the first one's. */
  readonly reasons: readonly FailureReason[]
  readonly by: string
  /** RFC 3339. */
  readonly startedAt: string
  readonly updatedAt: string
  /** Record keys that were about to be amended: whoever goes on finishes these first. */
  readonly inFlight: readonly string[]
  /** How far the scan is. */
  readonly after?: string
  /** Who works on it. */
  readonly owner?: Owner
}

export interface FailureReason {
  readonly code: string
  readonly message: string
  readonly count: number
}

/** `token` is of one run of a job; a process may run several. */
export interface Owner extends ProcessSign {
  readonly token: string
  readonly host: string
}

const LIST = 'jobs/'

/** Ids sort by time. */
export function newJobId(now: number): string {
  return `${now.toString(36).padStart(9, '0')}-${randomBytes(3).toString('hex')}`
}

/** Whether there is work left that somebody should be doing. */
export const isGoing = ({ state }: Job): boolean => state === 'canary' || state === 'running'

/** Whether somebody should run it: there is work, or letters are in the middle of being changed. */
export const needsOwner = (job: Job): boolean =>
  isGoing(job) || (job.state !== 'failed' && job.inFlight.length > 0)

/** Every job in the order of their beginning, with the revisions of their entries. */
export async function* jobEntries(
  registry: Registry,
  options?: Cancellable,
): AsyncGenerator<{ readonly job: Job; readonly revision: number }> {
  for await (const entry of registry.list(LIST, options))
    yield { job: jobIn(entry), revision: entry.revision }
}

export async function createJob(registry: Registry, job: Job): Promise<void> {
  if (await registry.compareAndSet(LIST + job.id, 0, bytesOf(job))) return
  throw new HeadwaterError('CONFLICT', `there is a job ${job.id} already`)
}

/** Throws NOT_FOUND. */
export async function readJob(
  registry: Registry,
  id: string,
): Promise<{ readonly job: Job; readonly revision: number }> {
  const entry = id === '' ? undefined : await registry.get(LIST + id)
  if (entry) return { job: jobIn(entry), revision: entry.revision }
  throw new HeadwaterError('NOT_FOUND', `there is no job ${id}: \`headwater jobs list\` shows what there is`)
}

/** Changes what the job is now, whoever else does. What `change` hands back as it was is not written. */
export async function updateJob(registry: Registry, id: string, change: (job: Job) => Job): Promise<Job> {
  while (true) {
    const { job, revision } = await readJob(registry, id)
    const changed = change(job)
    if (changed === job || (await registry.compareAndSet(LIST + id, revision, bytesOf(changed))))
      return changed
  }
}

export async function removeJob(registry: Registry, id: string, revision: number): Promise<void> {
  await registry.remove(LIST + id, revision)
}

const jobIn = ({ value }: Entry): Job => JSON.parse(value.toString()) as Job
const bytesOf = (job: Job): Buffer => Buffer.from(JSON.stringify(job))
