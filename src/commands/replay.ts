import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount } from '../lib/units.ts'
import type { Queue } from '../queues/queue.ts'
import type { Replayed } from '../services/replay.ts'
import { type AddCommand, environment, FAILED, type Io } from './command.ts'
import { noteChange } from './noted.ts'
import { openQueue, openRegistry, openStore } from './open.ts'
import { openEventFile } from './event-file.ts'
import { excerpt, writeJson } from './output.ts'
import { type Selection, scanOf, select } from './records.ts'
import { patiently } from './patiently.ts'
import { example } from './up.ts'

interface ReplayOptions extends Selection {
  readonly toGroup?: string
  readonly toTopic?: string
  readonly toFile?: string
  readonly toAll?: boolean
  readonly preset?: string
  readonly dryRun?: boolean
}

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
      const { source } = options
      const { newRun, openRules } = await import('../app.ts')
      const { numbered } = await import('../services/ledger.ts')
      const { replay } = await import('../services/replay.ts')
      const target = targetOf(options)
      await using store = await openStore(env)
      await using registry = await openRegistry(env)
      await using into = await openTarget(target, env)
      const again = patiently(io)
      const run = newRun(Date.now())
      const details = { run, ...options }
      if (options.dryRun !== true)
        await noteChange(registry, { what: 'replay', about: placeOf(target), details })
      const counts = await replay({
        store,
        select: {
          ...scanOf(options),
          where: (row) => source === undefined || row.received.context.source === source,
        },
        // Trouble of the queue is waited out.
        into: { publish: (messages, options) => again(() => into.publish(messages, options)) },
        rules: await openRules(env, registry, options.preset),
        number: numbered(run),
        signal: io.signal,
        dryRun: options.dryRun === true,
        ...(!env.json && { onPage: (each) => progress(each, io) }),
      })
      await tell(counts, { target, dryRun: options.dryRun === true, json: env.json }, io)
    })
}

/** Where a replay goes. Exactly one is asked for, so that none reaches everyone by accident. */
type Target = { readonly to: 'group' | 'topic' | 'file'; readonly name: string } | { readonly to: 'all' }

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

async function openTarget(target: Target, env: Environment): Promise<Into & AsyncDisposable> {
  const { reviews } = env.config.queue.topics
  if (target.to === 'file') return openEventFile(target.name)
  if (target.to !== 'group') return openQueue(env, target.to === 'all' ? reviews : target.name)
  const queue = await openQueue(env, reviews)
  const publishTo = queue.publishTo?.bind(queue)
  if (publishTo === undefined) {
    await queue[Symbol.asyncDispose]()
    const message = `a group has no queue of its own on a queue of the type ${env.config.queue.type}: use --to-topic`
    throw new HeadwaterError('USAGE', message)
  }
  return {
    publish: (messages, options) => publishTo(target.name, messages, options),
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  }
}

type Into = Pick<Queue, 'publish'>

function progress({ looked, published }: Replayed, { stderr }: Io): void {
  if (stderr.isTTY)
    stderr.write(`\r${formatCount(looked)} looked at, ${formatCount(published)} published\u001b[K`)
}

async function tell(
  counts: Replayed,
  { target, dryRun, json }: { target: Target; dryRun: boolean; json: boolean },
  io: Io,
): Promise<void> {
  if (counts.refused > 0) io.exitCode = FAILED
  if (json) return writeJson(io, { ...target, dryRun, ...counts })
  if (io.stderr.isTTY) io.stderr.write('\r\u001b[K')
  const { looked, published, rejected, refused, refusal } = counts
  const verb = dryRun ? 'would be published' : 'published'
  io.stdout.write(
    `${formatCount(looked)} looked at: ${formatCount(published)} ${verb} ${placeOf(target)}, ` +
      `${formatCount(rejected)} still rejected\n` +
      (refused > 0 ? `${formatCount(refused)} refused: ${refusal}\n` : ''),
  )
}

const placeOf = (target: Target): string =>
  target.to === 'all' ? 'to everyone' : `to the ${target.to} ${excerpt(target.name, 200)}`
