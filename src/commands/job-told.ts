import { formatCount } from '../lib/units.ts'
import type { Job } from '../services/job.ts'
import { placeOf } from '../services/replay-params.ts'
import { MOST_COUNTED } from '../stores/store.ts'
import { FAILED, type Io } from './command.ts'
import { excerpt, reasonLines, write, writeJson } from './output.ts'

/** `1,200 of 10,000+ letters · 1,190 published · 10 still rejected` */
export function progressOf(job: Job): string {
  const { kind, state, total, done, passed, failed } = job
  const known = total === undefined ? '' : ` of ${formatTotal(Math.max(total, done))}`
  return [
    `${state === 'canary' ? 'canary: ' : ''}${formatCount(done)}${known} ${kind === 'replay' ? 'looked at' : 'letters'}`,
    `${formatCount(passed)} ${passedOf(job)}`,
    ...(failed > 0 ? [`${formatCount(failed)} ${kind === 'replay' ? 'not' : 'still rejected'}`] : []),
  ].join(' · ')
}

function passedOf(job: Job): string {
  if (job.kind === 'discard') return 'discarded'
  return job.kind === 'replay' && job.params.target === undefined ? 'would be published' : 'published'
}

/** Where it was counted no further, there may be more. */
export function formatTotal(total: number): string {
  return `${formatCount(total)}${total === MOST_COUNTED ? '+' : ''}`
}

/** What a job is about: a cluster, or where a replay goes. */
export function aimOf(job: Job): string {
  if (job.kind !== 'replay') return `of the cluster ${excerpt(job.params.cluster, 16)}`
  return job.params.target ? excerpt(placeOf(job.params.target), 60) : 'an estimate'
}

/** Whether its end is one that somebody should look at. A replay only passes by what is rejected. */
export function wentWrong({ kind, state, failed, reasons }: Job): boolean {
  if (state !== 'done') return true
  return kind === 'replay' ? reasons.some(({ code }) => code === 'refused') : failed > 0
}

/** What came of a job, and how to go on. */
export async function tellJob(job: Job, json: boolean, io: Io): Promise<void> {
  const { id, state, why, reasons } = job
  if (wentWrong(job)) io.exitCode = FAILED
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
