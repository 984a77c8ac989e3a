import { sentenceOf } from '../event.ts'
import type { Page, Stored } from '../stores/store.ts'
import { discardAll, redriveAll } from './dead-letters.ts'
import { type Canary, isGoing, type Job, type LetterJob } from './job.ts'
import type { Held } from './job-owner.ts'
import { counted, createPatience, type JobParts, unhurried, type Worked } from './job-work.ts'

/** Letters that are changed between two writes of the entry, whose size some databases limit. */
const BATCH = 200
const MAX_MESSAGE = 300

/**
 * Does to the letters of a cluster what the job is about, a batch at a time, and finishes first what was in flight. The
 * state of the job says why it ended.
 */
export async function workOnLetters(letters: LetterJob, held: Held, parts: JobParts): Promise<void> {
  const { store, signal, onProgress } = parts
  const { cluster } = letters.params
  const canary = letters.kind === 'redrive' ? letters.params.canary : undefined
  const patiently = createPatience(parts)
  const update = (change: (job: Job) => Job): Promise<Job> => patiently(() => held.update(change))

  const workOn = await patiently(() => openWork(letters, parts))

  async function batch(rows: readonly Stored[] | undefined): Promise<void> {
    let read = rows
    const { inFlight } = held.job()
    const worked = await patiently(async () => {
      const given = read ?? [...(await store.get(inFlight)).values()]
      read = undefined
      return workOn(given)
    })
    const job = await update((before) =>
      // It is repeated where its answer was lost.
      before.inFlight.length === 0 ? before : judged(counted(before, worked), canary, before.done),
    )
    onProgress?.(job)
  }

  async function nextPage({ after, ...job }: Job): Promise<Page | undefined> {
    const window = { pageSize: batchSize(job, canary), signal, ...(after !== undefined && { after }) }
    for await (const page of store.scan({ by: 'cluster', cluster, ...window }))
      if (page.records.length > 0) return page
    return undefined
  }

  if (held.job().inFlight.length > 0) await batch(undefined)
  while (isGoing(held.job()) && !signal.aborted) {
    const page = await patiently(() => nextPage(held.job()))
    if (page === undefined) {
      await update((job) => (isGoing(job) ? { ...job, state: 'done' } : job))
      return
    }
    const inFlight = page.records.map(({ key }) => key)
    await update((job) => (isGoing(job) ? { ...job, inFlight, after: page.after } : job))
    if (held.job().inFlight.length > 0) await batch(page.records)
  }
}

/** Does to some letters what the job is about. Safe to repeat with what is read anew. */
type Work = (rows: readonly Stored[]) => Promise<Worked>

/** What a job does to its letters, by the rules of today. */
async function openWork(job: LetterJob, parts: JobParts): Promise<Work> {
  const { store, registry, reviews, number, clock } = parts
  const signal = unhurried
  if (job.kind === 'discard') {
    const { reason } = job.params
    return async (rows) => ({
      passed: await discardAll(rows, reason, { store, signal }, clock()),
      failed: [],
    })
  }
  const { repair, preset } = job.params
  const rules = await parts.openRules(preset)
  return async (rows) => {
    const redriven = await redriveAll(rows, { store, registry, reviews, rules, number, signal }, repair)
    const failed = redriven.flatMap(({ verdict }) =>
      verdict.status === 'rejected'
        ? [{ code: verdict.code, message: sentenceOf(verdict).slice(0, MAX_MESSAGE), count: 1 }]
        : [],
    )
    return { passed: redriven.length - failed.length, failed }
  }
}

const batchSize = ({ state, done }: Pick<Job, 'state' | 'done'>, canary: Canary | undefined): number =>
  state === 'canary' && canary ? Math.max(1, Math.min(BATCH, canary.count - done)) : BATCH

/**
 * The job behind a batch, before which it was through with so many letters. Where its canary ended with that batch, it runs on
 * or stops; also one that a person paused meanwhile, so that no resume passes over a canary that failed.
 */
function judged(job: Job, canary: Canary | undefined, doneBefore: number): Job {
  if (canary === undefined || doneBefore >= canary.count || job.done < canary.count) return job
  const { minShare } = canary
  if (job.passed / job.done >= minShare - Number.EPSILON)
    return job.state === 'canary' ? { ...job, state: 'running' } : job
  const why = `only ${job.passed} of the first ${job.done} passed, and ${Number((minShare * 100).toFixed(2))} % were asked for`
  return { ...job, state: 'stopped', why }
}
