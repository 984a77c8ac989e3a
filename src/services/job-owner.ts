import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { HeadwaterError, type TransientError } from '../errors.ts'
import { hasEnded, thisProcess } from '../lib/processes.ts'
import { createWatch } from '../lib/silence.ts'
import type { Registry } from '../stores/registry.ts'
import { type Job, type Owner, readJob, updateJob } from './job.ts'

/** An owner writes this often, however long a batch takes; one that is silent for longer than this has ended. */
const BEAT_MS = 3_000
export const SILENT_MS = 15_000
const LOOK_EVERY_MS = 1_000

/** What an owner needs. */
export interface Owning {
  readonly registry: Registry
  readonly clock: () => number
  readonly signal: AbortSignal
  readonly onTrouble?: (error: TransientError) => void
}

/** A job that this process runs. */
export interface Held {
  /** As it was last read or written. */
  readonly job: () => Job
  /** False once another process has taken it over. */
  readonly isMine: () => boolean
  /** Throws JOB_RUNNING where another process has taken it over. */
  readonly update: (change: (job: Job) => Job) => Promise<Job>
  readonly release: () => Promise<Job>
}

/** Makes the process the owner, once it is sure that there is no other. */
export async function take(id: string, { registry, clock, signal }: Owning): Promise<Held> {
  const owner: Owner = { ...thisProcess(), host: hostname(), token: randomUUID() }
  const before = (await freed(id, registry, signal)).owner?.token
  const stamped = (job: Job): Job => ({ ...job, updatedAt: new Date(clock()).toISOString() })
  let isMine = true
  let job = await updateJob(registry, id, (found) => {
    if (found.owner?.token !== before) throw takenError(found)
    return stamped({ ...found, owner })
  })
  /** One change at a time, so that the last one is the one that is known. */
  let last: Promise<unknown> = Promise.resolve()

  async function update(change: (job: Job) => Job): Promise<Job> {
    job = await updateJob(registry, id, (found) => {
      isMine &&= found.owner?.token === owner.token
      if (!isMine) throw takenError(found)
      return stamped(change(found))
    })
    return job
  }

  function inTurn(change: (job: Job) => Job): Promise<Job> {
    const next = last.catch(() => {}).then(() => update(change))
    last = next
    return next
  }

  return {
    job: () => job,
    isMine: () => isMine,
    update: inTurn,
    release: () => inTurn(({ owner: _, ...rest }) => rest),
  }
}

/** The job once nobody works on it. Throws JOB_RUNNING where somebody does. */
async function freed(id: string, registry: Registry, signal: AbortSignal): Promise<Job> {
  const silent = createWatch(SILENT_MS)
  const { revision } = await readJob(registry, id)
  while (true) {
    const now = await readJob(registry, id)
    if (isOrphaned(now.job)) return now.job
    if (now.revision !== revision) throw takenError(now.job)
    if (silent(new Map([[id, revision]]), performance.now()).length > 0) return now.job
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

/** Whether nobody works on it, as far as that is seen from here: its owner may be silent on another machine. */
export const isOrphaned = ({ owner }: Job): boolean => owner === undefined || hasEnded(owner)

function takenError({ id, owner }: Job): HeadwaterError {
  const where = owner === undefined ? 'another process' : `the process ${owner.pid} on ${owner.host}`
  return new HeadwaterError('JOB_RUNNING', `the job ${id} is run by ${where}`)
}

/** Shows that its owner lives, however long a batch takes. */
export function beating(held: Held, { onTrouble }: Owning): Disposable {
  const timer = setInterval(() => {
    held.update((job) => job).catch((error: TransientError) => held.isMine() && onTrouble?.(error))
  }, BEAT_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
