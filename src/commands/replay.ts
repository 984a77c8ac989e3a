import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount } from '../lib/units.ts'
import type { Job } from '../services/job.ts'
import type { Replayed } from '../services/replay.ts'
import { placeOf, type ReplayParams, type ReplayTarget, selectOf } from '../services/replay-params.ts'
import { type AddCommand, environment, FAILED, type Io } from './command.ts'
import { openEventFile } from './event-file.ts'
import { noteChange } from './noted.ts'
import { openRegistry, openStore } from './open.ts'
import { excerpt, write, writeJson } from './output.ts'
import { type Selection, select, windowOf } from './records.ts'
import { example } from './up.ts'
import { who } from './who.ts'

interface ReplayOptions extends Selection {
  readonly toGroup?: string
  readonly toTopic?: string
  readonly toFile?: string
  readonly toAll?: boolean
  readonly preset?: string
  readonly dryRun?: boolean
}

type Env = Environment & { readonly json: boolean }

/** Publishes what is stored once more, as it is understood today. */
export const addReplay: AddCommand = (program, io) => {
  select(
    program
      .command('replay')
      .description('interpret stored records again from raw, and publish those that are accepted'),
  )
    .option('--to-group <name>', 'to one group of raw-reviews alone')
    .option('--to-topic <name>', 'into a queue of its own')
    .option('--to-file <path>', 'into a new file, as NDJSON')
    .option('--to-all', 'into raw-reviews: every consumer sees them again')
    .option('--preset <name>', 'the preset, where the config no longer has the source')
    .option('--dry-run', 'only count')
    .addHelpText(
      'after',
      example(
        'headwater replay --from 7d --to-group lake',
        'headwater replay --from 7d --to-topic replay-2026',
        'headwater replay --product B00123 --to-all --dry-run',
      ),
    )
    .action(async (options: ReplayOptions, command: Command) => {
      const env = await environment(command, io)
      const target = targetOf(options)
      const params = paramsOf(options, Date.now())
      if (options.dryRun === true) return count(params, target, env, io)
      if (target.to === 'file') return writeFile(params, target, env, io)
      const { startHere } = await import('./job-run.ts')
      const job = { kind: 'replay', params: { ...params, target }, by: who() } as const
      await startHere(job, env, io, (ended) => tellReplay(ended, target, env, io))
    })
}

/** A file is written by this process alone. */
type Target = ReplayTarget | FileTarget
interface FileTarget {
  readonly to: 'file'
  readonly name: string
}

/** Exactly one is asked for, so that none reaches everyone by accident. */
function targetOf({ toGroup, toTopic, toFile, toAll }: ReplayOptions): Target {
  const asked: Target[] = []
  if (toGroup !== undefined) asked.push({ to: 'group', name: toGroup })
  if (toTopic !== undefined) asked.push({ to: 'topic', name: toTopic })
  if (toFile !== undefined) asked.push({ to: 'file', name: toFile })
  if (toAll === true) asked.push({ to: 'all' })
  const [target, ...more] = asked
  if (target !== undefined && more.length === 0) return target
  throw new HeadwaterError(
    'USAGE',
    'expected one of --to-group NAME, --to-topic NAME, --to-file PATH, and --to-all, which reaches everyone',
  )
}

function paramsOf(options: ReplayOptions, now: number): ReplayParams {
  const { source, product, preset } = options
  const { from, to = now } = windowOf(options, now)
  return {
    ...(from !== undefined && { from: new Date(from).toISOString() }),
    to: new Date(to).toISOString(),
    ...(source !== undefined && { source }),
    ...(product !== undefined && { product }),
    ...(preset !== undefined && { preset }),
  }
}

async function count(params: ReplayParams, target: Target, env: Env, io: Io): Promise<void> {
  const counts = await replayHere(params, undefined, env, io)
  if (env.json) return writeJson(io, { ...target, dryRun: true, ...counts })
  await write(io, linesOf(counts, `would be published ${nameOf(target)}`))
}

async function writeFile(params: ReplayParams, target: FileTarget, env: Env, io: Io): Promise<void> {
  await using file = await openEventFile(target.name)
  await using registry = await openRegistry(env)
  await noteChange(registry, { what: 'replay', about: nameOf(target), details: { ...params, target } })
  const counts = await replayHere(params, file, env, io)
  if (env.json) return writeJson(io, { ...target, dryRun: false, ...counts })
  await write(io, linesOf(counts, `published ${nameOf(target)}`))
}

/** What needs no job: it ends with the command. */
async function replayHere(
  params: ReplayParams,
  into: Awaited<ReturnType<typeof openEventFile>> | undefined,
  env: Env,
  io: Io,
): Promise<Replayed> {
  const { newRun, openRules } = await import('../app.ts')
  const { numbered } = await import('../services/ledger.ts')
  const { replay } = await import('../services/replay.ts')
  await using store = await openStore(env)
  await using registry = await openRegistry(env)
  const run = newRun(Date.now())
  const isWatched = !env.json && io.stderr.isTTY
  const counts = await replay(store, selectOf(params), {
    into,
    rules: await openRules(env, registry, params.preset),
    name: run,
    number: numbered(run),
    signal: io.signal,
    ...(isWatched && {
      onPage: ({ looked, published }: Replayed) =>
        void io.stderr.write(
          `\r${formatCount(looked)} looked at · ${formatCount(published)} published\u001b[K`,
        ),
    }),
  })
  if (isWatched) io.stderr.write('\r\u001b[K')
  return counts
}

/** What came of a replay that ran as a job, in the words of one that needs none. */
async function tellReplay(job: Job, target: ReplayTarget, env: Env, io: Io): Promise<void> {
  const { tellJob, wentWrong } = await import('./job-told.ts')
  const { replayedBy } = await import('../services/job-replay.ts')
  const { id, state } = job
  if (!env.json && state !== 'done') return tellJob(job, false, io)
  if (wentWrong(job)) io.exitCode = FAILED
  const counts = replayedBy(job)
  if (env.json) return writeJson(io, { ...target, dryRun: false, job: id, state, ...counts })
  await write(io, linesOf(counts, `published ${nameOf(target)}`))
}

function linesOf({ looked, published, rejected, refused, refusal = '' }: Replayed, verb: string): string {
  const found = `${formatCount(looked)} looked at: ${formatCount(published)} ${verb}, ${formatCount(rejected)} still rejected\n`
  return refused === 0 ? found : `${found}${formatCount(refused)} refused: ${excerpt(refusal, 300)}\n`
}

const nameOf = (target: Target): string =>
  excerpt(target.to === 'file' ? `to the file ${target.name}` : placeOf(target), 200)
