import type { Environment } from '../app.ts'
import { formatCount } from '../lib/units.ts'
import type { Queue } from '../queues/queue.ts'
import type { Job } from '../services/job.ts'
import { isGoing } from '../services/job.ts'
import type { JobParts } from '../services/job-work.ts'
import type { NewJob } from '../services/jobs.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store } from '../stores/store.ts'
import { ABORTED, type Io } from './command.ts'
import { progressOf, tellJob } from './job-told.ts'
import { openQueue, openRegistry, openStore } from './open.ts'
import { excerpt } from './output.ts'
import { who } from './who.ts'

type Env = Environment & { readonly json: boolean }

type Tell = (job: Job) => Promise<void>

/** Begins a job, runs it to its end and says what came of it, in the words of its command where it has some. */
export async function startHere(
  asked: NewJob,
  env: Env,
  io: Io,
  tell: Tell = (job) => tellJob(job, env.json, io),
): Promise<void> {
  await using place = await openPlace(env)
  const { startJob } = await import('../services/jobs.ts')
  const { id } = await startJob(asked, { ...place, clock: Date.now, signal: io.signal })
  io.stderr.write(`the job is ${id}: \`headwater jobs pause ${id}\` reaches it from anywhere\n`)
  await runIn(place, id, env, io, tell)
}

/** Runs a job that is there, and says what came of it. */
export async function runHere(id: string, env: Env, io: Io): Promise<void> {
  await using place = await openPlace(env)
  await runIn(place, id, env, io, (job) => tellJob(job, env.json, io))
}

interface Place extends AsyncDisposable {
  readonly store: Store
  readonly registry: Registry
  readonly reviews: Pick<Queue, 'publish'>
  readonly openTarget: JobParts['openTarget']
}

async function runIn(place: Place, id: string, env: Env, io: Io, tell: Tell): Promise<void> {
  const { newRun, openRules } = await import('../app.ts')
  const { runJob, setJobState } = await import('../services/jobs.ts')
  const { numbered } = await import('../services/ledger.ts')
  const job = await runJob(id, {
    ...place,
    openRules: (preset) => openRules(env, place.registry, preset),
    number: numbered(newRun(Date.now())),
    clock: Date.now,
    signal: io.signal,
    onProgress: createProgress(env, io),
    onTrouble: ({ message }) => void io.stderr.write(`${excerpt(message, 300)}; trying again\n`),
  })
  if (!env.json && io.stderr.isTTY) io.stderr.write('\r\u001b[K')
  // Whoever ends the command does not want another process to go on with it.
  const wasEnded = io.signal.aborted && isGoing(job)
  await tell(wasEnded ? await setJobState(place.registry, id, 'pause', who()) : job)
  if (wasEnded) io.exitCode = ABORTED
}

/** The queue is opened by the first letter that passes: to discard, it need not be there. */
async function openPlace(env: Env): Promise<Place> {
  await using opened = new AsyncDisposableStack()
  const store = opened.use(await openStore(env))
  const registry = opened.use(await openRegistry(env))
  let queue: Promise<Queue> | undefined
  opened.defer(async () => (await queue)?.[Symbol.asyncDispose]())
  const resources = opened.move()
  return {
    store,
    registry,
    openTarget: async (target) => (await import('../app.ts')).openTarget(env, target),
    reviews: {
      async publish(messages, options) {
        queue ??= openQueue(env, env.config.queue.topics.reviews)
        const reviews = await queue.catch((error: unknown) => {
          queue = undefined
          throw error
        })
        return reviews.publish(messages, options)
      },
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

/** One live line on a terminal, nothing elsewhere. */
function createProgress({ json }: Env, { stderr }: Io): (job: Job) => void {
  if (json || !stderr.isTTY) return () => {}
  const startedAt = performance.now()
  let before: number | undefined
  return (job) => {
    before ??= job.done
    const rate = Math.round(((job.done - before) * 1000) / Math.max(1, performance.now() - startedAt))
    const parts = [progressOf(job), ...(rate > 0 ? [`${formatCount(rate)}/s`] : [])]
    stderr.write(`\r${parts.join(' · ')}\u001b[K`)
  }
}
