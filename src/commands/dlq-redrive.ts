import { readFile } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { sentenceOf } from '../event.ts'
import { isTooDeep, MOST_LEVELS } from '../lib/nesting.ts'
import type { Redriven } from '../services/dead-letters.ts'
import { type AddCommand, environment, FAILED, type Io, parseReason } from './command.ts'
import { type ClusterOptions, redriveCluster } from './dlq-redrive-cluster.ts'
import { makeChange } from './noted.ts'
import { openQueue, openRegistry, openStore } from './open.ts'
import { write, writeJson } from './output.ts'
import { addStepOptions } from './steps.ts'
import { example } from './up.ts'
import { who } from './who.ts'

interface OneOptions {
  readonly review?: string
  readonly preset?: string
}

interface RedriveOptions extends OneOptions, ClusterOptions {
  readonly cluster?: string
}

/** Adds to `dlq`: sending letters again, one or all that share a fault, and putting them aside. */
export const addDlqRedrive: AddCommand = (dlq, io) => {
  addStepOptions(
    dlq
      .command('redrive')
      .description('interpret dead letters again by the rules of today, and publish those that are accepted')
      .argument('[key]', 'the record key of one letter')
      .option('--cluster <id>', 'all that share one fault, as a job that can be paused and resumed')
      .option(
        '--review <file>',
        'of one letter: the whole review as it should be, as JSON; - reads standard input',
      )
      .option('--preset <name>', 'the preset, where the config no longer has the source'),
  )
    .option('--canary <n>', 'of a cluster: redrive so many first, and stop where too few of them pass')
    .option('--min-pass <share>', 'how many of the canary must pass (default: 95%)')
    .option('--dry-run', 'of a cluster: only count what would pass')
    .addHelpText(
      'after',
      example(
        'headwater dlq redrive 2f6c…',
        'headwater dlq redrive 2f6c… --review mended.json',
        'headwater dlq redrive --cluster 9f3c…',
        'headwater dlq redrive --cluster 9f3c… --parse rating=stars --dry-run',
        'headwater dlq redrive --cluster 9f3c… --parse rating=stars --canary 50 --min-pass 95%',
      ),
    )
    .action(
      async (given: string | undefined, { cluster, review, ...more }: RedriveOptions, command: Command) => {
        const env = await environment(command, io)
        const meant = meantBy(given, cluster)
        if ('cluster' in meant) {
          if (review !== undefined)
            throw new HeadwaterError('USAGE', '--review: is of one letter; name its key and no cluster')
          return redriveCluster(meant.cluster, more, env, io)
        }
        const { preset, ...ofClusters } = more
        if (Object.keys(ofClusters).length > 0)
          throw new HeadwaterError('USAGE', 'steps, --canary, --min-pass and --dry-run are for a --cluster')
        const options = { ...(review !== undefined && { review }), ...(preset !== undefined && { preset }) }
        await tellRedriven(await redriveOne(meant.key, options, env, io), env.json, io)
      },
    )

  dlq
    .command('discard')
    .description('decide that dead letters need no mending; they stay in the store')
    .argument('[key]', 'the record key of one letter')
    .option('--cluster <id>', 'all that share one fault, as a job that can be paused and resumed')
    .requiredOption('--reason <text>', 'why', parseReason)
    .addHelpText(
      'after',
      example(
        'headwater dlq discard 2f6c… --reason "a test of the provider"',
        'headwater dlq discard --cluster 9f3c… --reason "the provider sends them again"',
      ),
    )
    .action(async (given: string | undefined, { cluster, reason }: DiscardOptions, command: Command) => {
      const env = await environment(command, io)
      const meant = meantBy(given, cluster)
      if ('key' in meant) return discardOne(meant.key, reason, env, io)
      const { startHere } = await import('./job-run.ts')
      await startHere({ kind: 'discard', params: { ...meant, reason }, by: who() }, env, io)
    })
}

interface DiscardOptions {
  readonly cluster?: string
  readonly reason: string
}

type Env = Environment & { readonly json: boolean }

/** One letter, or all of a cluster. */
function meantBy(
  key: string | undefined,
  cluster: string | undefined,
): { readonly key: string } | { readonly cluster: string } {
  if (key !== undefined && cluster === undefined) return { key }
  if (cluster !== undefined && key === undefined) return { cluster }
  throw new HeadwaterError(
    'USAGE',
    'expected the key of one letter, or --cluster and one that `headwater dlq clusters` lists',
  )
}

async function redriveOne(
  key: string,
  { review, preset }: OneOptions,
  env: Environment,
  io: Io,
): Promise<Redriven> {
  const written = review === undefined ? undefined : await readReview(review, io)
  await using store = await openStore(env)
  await using registry = await openRegistry(env)
  await using reviews = await openQueue(env, env.config.queue.topics.reviews)
  const { newRun, openRules } = await import('../app.ts')
  const { redrive, unlessPublished } = await import('../services/dead-letters.ts')
  const { numbered } = await import('../services/ledger.ts')
  const number = numbered(newRun(Date.now()))
  const rules = await openRules(env, registry, preset)
  const options = { store, registry, reviews, rules, number, signal: io.signal }
  const details = written === undefined ? {} : { byHand: true }
  const change = { what: 'redrive', about: `record ${key}`, details }
  return await makeChange(registry, change, () => redrive(key, options, written), unlessPublished)
}

async function discardOne(key: string, reason: string, env: Env, io: Io): Promise<void> {
  const { discard } = await import('../services/dead-letters.ts')
  await using store = await openStore(env)
  await using registry = await openRegistry(env)
  const change = { what: 'discard', about: `record ${key}`, details: { reason } }
  await makeChange(registry, change, () => discard(key, reason, { store, signal: io.signal }, Date.now()))
  if (env.json) await writeJson(io, { key, status: 'discarded' })
  else await write(io, `${key} is discarded\n`)
}

async function readReview(path: string, io: Io): Promise<Record<string, unknown>> {
  const reading = path === '-' ? text(addAbortSignal(io.signal, io.stdin)) : readFile(path, 'utf8')
  const json = await reading.catch((cause: unknown) => {
    io.signal.throwIfAborted()
    throw new HeadwaterError('USAGE', `--review: cannot read ${path}`, { cause })
  })
  try {
    const value: unknown = JSON.parse(json)
    if (value !== null && typeof value === 'object' && !Array.isArray(value) && !isTooDeep(value))
      return value as Record<string, unknown>
  } catch (cause) {
    throw new HeadwaterError('USAGE', `--review: ${path} is not JSON: ${(cause as Error).message}`, { cause })
  }
  throw new HeadwaterError(
    'USAGE',
    `--review: expected a JSON object of at most ${MOST_LEVELS} levels in ${path}`,
  )
}

async function tellRedriven({ key, status, verdict }: Redriven, json: boolean, io: Io): Promise<void> {
  if (status === 'rejected') io.exitCode = FAILED
  if (json) return writeJson(io, { key, status, verdict })
  if (status === 'published') await write(io, `${key} is accepted now, and published\n`)
  if (status === 'accepted') await write(io, `${key} was accepted already; nothing to do\n`)
  if (verdict.status === 'rejected') await write(io, `${key} is still rejected: ${sentenceOf(verdict)}\n`)
}
