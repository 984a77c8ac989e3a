import type { Command } from 'commander'
import { formatCount } from '../lib/units.ts'
import type { Job } from '../services/job.ts'
import type { ReplayParams } from '../services/replay-params.ts'
import { type AddCommand, environment, type Io } from './command.ts'
import { runHere } from './job-run.ts'
import { aimOf, formatTotal, progressOf } from './job-told.ts'
import { openRegistry } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import { example } from './up.ts'
import { who } from './who.ts'

/** Redrives, discards and replays, wherever they run. */
export const addJobs: AddCommand = (program, io) => {
  const jobs = program
    .command('jobs')
    .description('redrives, discards and replays: how far they are; pause, resume, stop')

  jobs
    .command('list')
    .description('list the jobs, the newest first')
    .addHelpText('after', example('headwater jobs list', 'headwater jobs list --json'))
    .action(async (_, command: Command) => {
      const env = await environment(command, io)
      const { listJobs } = await import('../services/jobs.ts')
      await using registry = await openRegistry(env)
      const rows = [['job', 'what', 'about', 'state', 'done', 'of', 'passed', 'failed', 'began', 'by']]
      for (const job of await listJobs(registry, { signal: io.signal })) {
        if (env.json) await writeJson(io, job)
        else rows.push(rowOf(job))
      }
      if (env.json) return
      if (rows.length === 1) io.stderr.write('there is no job\n')
      else await write(io, table(rows))
    })

  jobs
    .command('show')
    .description('show one job: how far it is, what failed and why')
    .argument('<id>', 'jobs list shows them')
    .addHelpText('after', example('headwater jobs show 0mwx…', 'headwater jobs show 0mwx… --json'))
    .action(async (id: string, _, command: Command) => {
      const env = await environment(command, io)
      const { getJob } = await import('../services/jobs.ts')
      await using registry = await openRegistry(env)
      const job = await getJob(registry, id)
      if (env.json) await writeJson(io, job)
      else await write(io, linesOf(job))
    })

  for (const [wanted, what] of Object.entries(CHANGES) as [Wanted, string][]) {
    jobs
      .command(wanted)
      .description(what)
      .argument('<id>', 'jobs list shows them')
      .addHelpText('after', example(`headwater jobs ${wanted} 0mwx…`))
      .action((id: string, _, command: Command) => ask(id, wanted, command, io))
  }
}

const CHANGES = {
  pause: 'pause a job behind the batch that is under way',
  resume: 'go on here with a job that was paused or stopped, that failed, or whose process has ended',
  stop: 'stop a job behind the batch that is under way; what it has done stays done',
}
type Wanted = keyof typeof CHANGES

async function ask(id: string, wanted: Wanted, command: Command, io: Io): Promise<void> {
  const env = await environment(command, io)
  const { needsOwner } = await import('../services/job.ts')
  const { setJobState } = await import('../services/jobs.ts')
  const { isOrphaned } = await import('../services/job-owner.ts')
  const job = await (async () => {
    await using registry = await openRegistry(env)
    return await setJobState(registry, id, wanted, who())
  })()
  // Nobody is there any more to finish what is in the middle of being changed.
  const isLeft = needsOwner(job) && isOrphaned(job)
  if (wanted === 'resume' || isLeft) return runHere(id, env, io)
  if (env.json) await writeJson(io, job)
  else await write(io, `the job ${id} is ${job.state}\n`)
}

function rowOf(job: Job): string[] {
  const { id, kind, state, done, total, passed, failed, startedAt, by } = job
  return [
    id,
    kind,
    aimOf(job),
    state,
    formatCount(done),
    total === undefined ? '-' : formatTotal(total),
    formatCount(passed),
    formatCount(failed),
    startedAt.slice(0, 19),
    excerpt(by, 40),
  ]
}

function linesOf(job: Job): string {
  const { id, kind, params, state, why, by, startedAt, updatedAt, reasons, inFlight, owner } = job
  const facts: string[][] = [
    ['job', id],
    ['what', `${kind} ${aimOf(job)}`],
    ...(kind === 'replay' ? [['selected', selectionOf(params)]] : []),
    ['state', `${state}${why === undefined ? '' : `: ${excerpt(why, 300)}`}`],
    ['progress', progressOf(job)],
    ['by', `${excerpt(by, 60)}, since ${startedAt}`],
    ['updated', updatedAt],
    ...('repair' in params && params.repair ? [['repair', JSON.stringify(params.repair.steps)]] : []),
    ...('reason' in params ? [['reason', excerpt(params.reason, 300)]] : []),
    ...(owner ? [['run by', `process ${owner.pid} on ${excerpt(owner.host, 60)}`]] : []),
    ...(inFlight.length > 0 ? [['in flight', formatCount(inFlight.length, 'letter')]] : []),
    ...reasons.map(({ code, message, count }) => [
      `  ${formatCount(count)}`,
      `${code}: ${excerpt(message, 100)}`,
    ]),
  ]
  return table(facts)
}

function selectionOf({ from, to, source, product }: ReplayParams): string {
  return [
    `received ${from === undefined ? '' : `from ${from} `}before ${to}`,
    ...(source === undefined ? [] : [`source ${excerpt(source, 60)}`]),
    ...(product === undefined ? [] : [`product ${excerpt(product, 60)}`]),
  ].join(', ')
}
