import type { Environment } from '../app.ts'
import { formatCount } from '../lib/units.ts'
import type { Queue } from '../queues/queue.ts'
import type { Job } from '../services/job.ts'
import { isGoing } from '../services/job.ts'
import type { NewJob } from '../services/jobs.ts'
import type { Registry } from '../stores/registry.ts'
import { MOST_COUNTED, type Store } from '../stores/store.ts'
import { ABORTED, FAILED, type Io } from './command.ts'
import { openQueue, openRegistry, openStore } from './open.ts'
import { excerpt, reasonLines, write, writeJson } from './output.ts'
import { who } from './who.ts'

type Env = Environment & { readonly json: boolean }

/** Begins a job, runs it to its end and says what came of it. */
export async function startHere(asked: NewJob, env: Env, io: Io): Promise<void> {
  await using place = await openPlace(env)
  const { startJob } = await import('../services/jobs.ts')
  const { id } = await startJob(asked, { ...place, clock: Date.now, signal: io.signal })
  io.stderr.write(`the job is ${id}: \`headwater jobs pause ${id}\` reaches it from anywhere\n`)
  await runIn(place, id, env, io)
}

/** Runs a job that is there, and says what came of it. */
export async function runHere(id: string, env: Env, io: Io): Promise<void> {
  await using place = await openPlace(env)
  await runIn(place, id, env, io)
}

interface Place extends AsyncDisposable {
  readonly store: Store
  readonly registry: Registry
  readonly reviews: Pick<Queue, 'publish'>
}

async function runIn(place: Place, id: string, env: Env, io: Io): Promise<void> {
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
  await tellJob(wasEnded ? await setJobState(place.registry, id, 'pause', who()) : job, env.json, io)
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

/** `1,200 of 10,000+ letters · 1,190 published · 10 still rejected` */
export function progressOf({ kind, state, total, done, passed, failed }: Job): string {
  const known = total === undefined ? '' : ` of ${formatTotal(Math.max(total, done))}`
  const verb = kind === 'redrive' ? 'published' : 'discarded'
  return [
    `${state === 'canary' ? 'canary: ' : ''}${formatCount(done)}${known} letters`,
    `${formatCount(passed)} ${verb}`,
    ...(failed > 0 ? [`${formatCount(failed)} still rejected`] : []),
  ].join(' · ')
}

/** Where it was counted no further, there may be more. */
export function formatTotal(total: number): string {
  return `${formatCount(total)}${total === MOST_COUNTED ? '+' : ''}`
}

/** What came of a job, and how to go on. */
export async function tellJob(job: Job, json: boolean, io: Io): Promise<void> {
  const { id, state, why, failed, reasons } = job
  if (state !== 'done' || failed > 0) io.exitCode = FAILED
  if (json) return writeJson(io, job)
  await write(
    io,
    [
      `the job ${id} is ${state}${why === undefined ? '' : `: ${excerpt(why, 300)}`}`,
      progressOf(job),
      ...reasonLines(reasons),
      ...(state === 'done' ? [] : [`\`headwater jobs resume ${id}\` goes on with it`]),
      '',
    ].join('\n'),
  )
}
