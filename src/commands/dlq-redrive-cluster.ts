import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount } from '../lib/units.ts'
import { createRepair, type Repair, type Step } from '../review/repair.ts'
import type { Canary } from '../services/job.ts'
import type { Preview } from '../services/preview.ts'
import { FAILED, type Io, parseCount } from './command.ts'
import { openRegistry, openStore } from './open.ts'
import { reasonLines, write, writeJson } from './output.ts'
import { type StepOptions, stepsOf } from './steps.ts'
import { who } from './who.ts'

/** What may be said of the redrive of a cluster. */
export interface ClusterOptions extends StepOptions {
  readonly preset?: string
  readonly canary?: string
  readonly minPass?: string
  readonly dryRun?: boolean
}

type Env = Environment & { readonly json: boolean }

/** Redrives all letters of a cluster as a job, or counts what would pass. */
export async function redriveCluster(
  cluster: string,
  { canary, minPass, dryRun = false, preset, ...more }: ClusterOptions,
  env: Env,
  io: Io,
): Promise<void> {
  const careful = canaryOf(canary, minPass)
  const repair = await repairOf(cluster, await stepsOf(more, io), env, io)
  const asked = { cluster, ...(repair && { repair }), ...(preset !== undefined && { preset }) }
  if (dryRun) return count(asked, env, io)
  const { startHere } = await import('./job-run.ts')
  const params = { ...asked, ...(careful && { canary: careful }) }
  await startHere({ kind: 'redrive', params, by: who() }, env, io)
}

function canaryOf(canary: string | undefined, minPass: string | undefined): Canary | undefined {
  if (canary === undefined && minPass !== undefined)
    throw new HeadwaterError('USAGE', '--min-pass: is of a --canary, such as --canary 50')
  if (canary === undefined) return undefined
  return { count: parseCount(canary, '--canary'), minShare: parseShare(minPass ?? '95%') }
}

function parseShare(text: string): number {
  const percent = /^(\d+(?:\.\d+)?) ?%$/.exec(text)?.[1]
  const share = percent === undefined ? Number.NaN : Number(percent) / 100
  if (share <= 1) return share
  throw new HeadwaterError('USAGE', `--min-pass: expected 0% to 100%, found "${text}"`)
}

async function repairOf(
  cluster: string,
  steps: readonly Step[],
  env: Env,
  { signal }: Io,
): Promise<Repair | undefined> {
  if (steps.length === 0) return undefined
  const { faultOf, lettersOf } = await import('../services/clusters.ts')
  await using store = await openStore(env)
  const [letter] = await lettersOf(store, cluster, { most: 1, signal })
  return createRepair(faultOf(letter), steps)
}

async function count(
  {
    cluster,
    repair,
    preset,
  }: { readonly cluster: string; readonly repair?: Repair; readonly preset?: string },
  env: Env,
  io: Io,
): Promise<void> {
  const { openRules } = await import('../app.ts')
  const { lettersOf } = await import('../services/clusters.ts')
  const { preview } = await import('../services/preview.ts')
  await using store = await openStore(env)
  await using registry = await openRegistry(env)
  await lettersOf(store, cluster, { most: 1, signal: io.signal })
  const rules = await openRules(env, registry, preset)
  const counts = await preview({
    store,
    cluster,
    rules,
    samples: 0,
    signal: io.signal,
    ...(repair && { repair }),
  })
  if (counts.fail > 0) io.exitCode = FAILED
  if (env.json) return writeJson(io, { cluster, dryRun: true, ...counts })
  await write(io, linesOf(counts))
}

function linesOf({ looked, pass, fail, reasons }: Preview): string {
  const found = `${formatCount(looked, 'letter')}: ${formatCount(pass)} would be published, ${formatCount(fail)} would still be rejected`
  return [found, ...reasonLines(reasons), ''].join('\n')
}
