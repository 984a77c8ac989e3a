import type { Command } from 'commander'
import { HeadwaterError, TransientError } from '../errors.ts'
import { retry } from '../lib/retry.ts'
import { formatCount } from '../lib/units.ts'
import type { Queue } from '../queues/queue.ts'
import type { Rules } from '../review/interpret.ts'
import type { Replayed } from '../services/replay.ts'
import type { Stored } from '../stores/store.ts'
import { type AddCommand, environment, FAILED, type Io } from './command.ts'
import { openQueue, openStore } from './open.ts'
import { writeJson } from './output.ts'
import { type Selection, scanOf, select } from './records.ts'
import { example } from './up.ts'

interface ReplayOptions extends Selection {
  readonly toTopic?: string
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
    .option('--to-topic <name>', 'into a queue of its own')
    .option('--to-all', 'into raw-reviews: every consumer sees them again')
    .option('--preset <name>', 'the preset, where the config no longer has the source')
    .option('--dry-run', 'only count')
    .addHelpText(
      'after',
      example(
        'headwater replay --from 7d --to-topic replay-2026',
        'headwater replay --product B00123 --to-all --dry-run',
      ),
    )
    .action(async (options: ReplayOptions, command: Command) => {
      const env = await environment(command, io)
      const { source } = options
      const topic = topicOf(options, env.config.queue.topics.reviews)
      const { newRun, rulesFor } = await import('../app.ts')
      const { replay } = await import('../services/replay.ts')
      await using store = await openStore(env)
      await using queue = await openQueue(env, topic)
      const run = newRun(Date.now())
      let seq = 0
      const rulesOf = remembered((row) => rulesFor(env, row, options.preset))
      const counts = await replay({
        store,
        select: {
          ...scanOf(options),
          where: (row) => source === undefined || row.received.context.source === source,
        },
        into: patient(queue, io),
        rules: rulesOf,
        number: () => ({ run, seq: seq++ }),
        signal: io.signal,
        dryRun: options.dryRun === true,
        ...(!env.json && { onPage: (each) => progress(each, io) }),
      })
      await tell(counts, { topic, dryRun: options.dryRun === true, json: env.json }, io)
    })
}

function topicOf({ toTopic, toAll }: ReplayOptions, reviews: string): string {
  if (toTopic !== undefined && !toAll) return toTopic
  if (toTopic === undefined && toAll) return reviews
  throw new HeadwaterError(
    'USAGE',
    'expected one of --to-topic NAME, for a queue of its own, and --to-all, which reaches everyone',
  )
}

/** A source's rules are compiled once, not once a record. */
function remembered(rulesFor: (row: Stored) => Promise<Rules>): (row: Stored) => Promise<Rules> {
  const known = new Map<string, Promise<Rules>>()
  return (row) => {
    const name = `${row.received.context.source} ${row.verdict.by.preset}`
    const rules = known.get(name) ?? rulesFor(row)
    known.set(name, rules)
    return rules
  }
}

/** Trouble of the queue is waited out, and said. */
function patient(queue: Queue, { signal, stderr }: Io): Pick<Queue, 'publish'> {
  const onFailure = ({ message }: TransientError): void => void stderr.write(`${message}; trying again\n`)
  return {
    publish: (messages, options) =>
      retry(() => queue.publish(messages, options), signal, { baseMs: 50, maxMs: 30_000, onFailure }),
  }
}

function progress({ looked, published }: Replayed, { stderr }: Io): void {
  if (stderr.isTTY)
    stderr.write(`\r${formatCount(looked)} looked at, ${formatCount(published)} published\u001b[K`)
}

async function tell(
  counts: Replayed,
  { topic, dryRun, json }: { topic: string; dryRun: boolean; json: boolean },
  io: Io,
): Promise<void> {
  if (counts.refused > 0) io.exitCode = FAILED
  if (json) return writeJson(io, { topic, dryRun, ...counts })
  if (io.stderr.isTTY) io.stderr.write('\r\u001b[K')
  const { looked, published, rejected, refused, refusal } = counts
  const verb = dryRun ? 'would be published' : 'published'
  io.stdout.write(
    `${formatCount(looked)} looked at: ${formatCount(published)} ${verb} to ${topic}, ${formatCount(rejected)} stay rejected\n` +
      (refused > 0 ? `${formatCount(refused)} refused: ${refusal}\n` : ''),
  )
}
