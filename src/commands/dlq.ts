import { readFile } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { sentenceOf } from '../event.ts'
import type { Redriven } from '../services/dead-letters.ts'
import { formatBytes, formatCount } from '../lib/units.ts'
import { MOST_COUNTED, type Stored } from '../stores/store.ts'
import { type AddCommand, environment, FAILED, type Io } from './command.ts'
import { addDlqRepair } from './dlq-repair.ts'
import { openQueue, openRegistry, openStore } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import {
  type ExportOptions,
  exportRecords,
  getOne,
  listRecords,
  type Selection,
  select,
  selected,
  showRecord,
} from './records.ts'
import { example } from './up.ts'

const isOpen = ({ verdict }: Stored): boolean =>
  verdict.status === 'rejected' && verdict.discarded === undefined

/** Works on dead letters. */
export const addDlq: AddCommand = (program, io) => {
  const dlq = program.command('dlq').description('look at dead letters, mend them, and send them again')

  select(dlq.command('list').description('list dead letters with their reasons'))
    .option('--cluster <id>', 'those that share one fault')
    .option('--limit <n>', 'at most this many', '50')
    .addHelpText('after', example('headwater dlq list', 'headwater dlq list --from 1d --json'))
    .action(async (selection: Selection, command: Command) => {
      const env = await environment(command, io)
      await using store = await openStore(env)
      await listRecords(store, selection, isOpen, io, env)
    })

  dlq
    .command('clusters')
    .description('list the faults that dead letters share, the most frequent first')
    .addHelpText('after', example('headwater dlq clusters', 'headwater dlq clusters --json'))
    .action(async (_, command: Command) => tellClusters(await environment(command, io), io))

  dlq
    .command('show')
    .description('show one dead letter: every fault, and what was received')
    .argument('<key>', 'the record key')
    .addHelpText('after', example('headwater dlq show 2f6c…'))
    .action(async (key: string, _, command: Command) => {
      const env = await environment(command, io)
      await using store = await openStore(env)
      await showRecord(await getOne(store, key), io, env.json)
    })

  addDlqRepair(dlq, io)

  dlq
    .command('redrive')
    .description('interpret a dead letter again by the rules of today, and publish it where it is accepted')
    .argument('<key>', 'the record key')
    .option('--review <file>', 'the whole review as it should be, as JSON; - reads standard input')
    .option('--preset <name>', 'the preset, where the config no longer has the source')
    .addHelpText(
      'after',
      example('headwater dlq redrive 2f6c…', 'headwater dlq redrive 2f6c… --review mended.json'),
    )
    .action(async (key: string, options: RedriveOptions, command: Command) => {
      const env = await environment(command, io)
      await tellRedriven(await redriveOne(key, options, env, io), env.json, io)
    })

  dlq
    .command('discard')
    .description('decide that a dead letter needs no mending; it stays in the store')
    .argument('<key>', 'the record key')
    .requiredOption('--reason <text>', 'why')
    .addHelpText('after', example('headwater dlq discard 2f6c… --reason "a test of the provider"'))
    .action(async (key: string, { reason }: { reason: string }, command: Command) => {
      const env = await environment(command, io)
      const { discard } = await import('../services/dead-letters.ts')
      await using store = await openStore(env)
      await discard(key, reason, { store, signal: io.signal }, Date.now())
      if (env.json) await writeJson(io, { key, status: 'discarded' })
      else io.stdout.write(`${key} is discarded\n`)
    })

  select(dlq.command('purge').description('erase discarded dead letters for good, to make room'))
    .option('--dry-run', 'only count')
    .addHelpText('after', example('headwater dlq purge --to 30d --dry-run', 'headwater dlq purge --to 30d'))
    .action(async (selection: Selection & { dryRun?: boolean }, command: Command) =>
      purge(selection, await environment(command, io), io),
    )

  select(dlq.command('export').description('write dead letters as NDJSON, or their exact bytes'))
    .option('--cluster <id>', 'those that share one fault')
    .option('--limit <n>', 'at most this many')
    .option('--raw', 'only the exact bytes that were received, an item a line')
    .option(
      '--framing <how>',
      'with --raw: length (a line with the number of bytes before each item) or files',
    )
    .option('--dir <folder>', 'where --framing files puts them', 'export')
    .addHelpText('after', example('headwater dlq export > dead-letters.ndjson'))
    .action(async (options: Selection & ExportOptions, command: Command) => {
      const env = await environment(command, io)
      await using store = await openStore(env)
      await exportRecords(store, options, isOpen, io)
    })
}

async function tellClusters(env: Environment & { json: boolean }, io: Io): Promise<void> {
  await using store = await openStore(env)
  if (store.clusters === undefined) {
    throw new HeadwaterError(
      'USAGE',
      `a store of the type ${env.config.store.type} can't list clusters: use dlq list`,
    )
  }
  const clusters = await Array.fromAsync(store.clusters({ signal: io.signal }))
  clusters.sort((a, b) => b.count - a.count)
  const rows = [['cluster', 'letters', 'origin', 'preset', 'first', 'last', 'what is wrong']]
  for (const { cluster, count, first, last } of clusters) {
    const { verdict, received } = first
    if (verdict.status !== 'rejected') continue
    const isMore = count === MOST_COUNTED
    const [firstAt, lastAt] = [first, last].map((row) => new Date(row.received.receivedAt).toISOString())
    const about = { origin: received.origin, preset: verdict.by.preset, code: verdict.code }
    const sentence = sentenceOf(verdict)
    if (env.json) await writeJson(io, { cluster, count, isMore, ...about, firstAt, lastAt, error: sentence })
    else {
      const shown = `${formatCount(count)}${isMore ? '+' : ''}`
      const days = [firstAt, lastAt].map((at = '') => at.slice(0, 10))
      rows.push([
        cluster,
        shown,
        excerpt(about.origin, 20),
        excerpt(about.preset, 24),
        ...days,
        excerpt(sentence, 100),
      ])
    }
  }
  if (env.json) return
  if (rows.length === 1) io.stderr.write('no dead letter waits to be mended\n')
  else await write(io, table(rows))
}

async function purge(
  selection: Selection & { readonly dryRun?: boolean },
  env: Environment & { json: boolean },
  io: Io,
): Promise<void> {
  await using store = await openStore(env)
  let [count, bytes] = [0, 0]
  let page: Stored[] = []
  const erase = async (): Promise<void> => {
    if (!selection.dryRun)
      await store.erase(
        page.map(({ key }) => key),
        { signal: io.signal },
      )
    page = []
  }
  for await (const row of selected(store, selection, isDiscarded, io.signal)) {
    count++
    bytes += row.received.raw.length
    if (page.push(row) >= PURGED_AT_ONCE) await erase()
  }
  await erase()
  if (env.json) return writeJson(io, { [selection.dryRun ? 'wouldErase' : 'erased']: count, bytes })
  const done = selection.dryRun ? 'would erase' : 'erased'
  await write(io, `${done} ${formatCount(count, 'discarded dead letter')}, ${formatBytes(bytes)} of raw\n`)
}

const PURGED_AT_ONCE = 500

const isDiscarded = ({ verdict }: Stored): boolean =>
  verdict.status === 'rejected' && verdict.discarded !== undefined

interface RedriveOptions {
  readonly review?: string
  readonly preset?: string
}

async function redriveOne(
  key: string,
  { review, preset }: RedriveOptions,
  env: Environment,
  io: Io,
): Promise<Redriven> {
  const written = review === undefined ? undefined : await readReview(review, io)
  await using store = await openStore(env)
  await using registry = await openRegistry(env)
  await using reviews = await openQueue(env, env.config.queue.topics.reviews)
  const { newRun, openRules } = await import('../app.ts')
  const { redrive } = await import('../services/dead-letters.ts')
  const run = newRun(Date.now())
  let seq = 0
  const number = () => ({ run, seq: seq++ })
  const rules = await openRules(env, registry, preset)
  return await redrive(key, { store, reviews, rules, number, signal: io.signal }, written)
}

async function readReview(path: string, io: Io): Promise<Record<string, unknown>> {
  const reading = path === '-' ? text(addAbortSignal(io.signal, io.stdin)) : readFile(path, 'utf8')
  const json = await reading.catch((cause: unknown) => {
    io.signal.throwIfAborted()
    throw new HeadwaterError('USAGE', `--review: cannot read ${path}`, { cause })
  })
  try {
    const value: unknown = JSON.parse(json)
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch (cause) {
    throw new HeadwaterError('USAGE', `--review: ${path} is not JSON: ${(cause as Error).message}`, { cause })
  }
  throw new HeadwaterError('USAGE', `--review: expected a JSON object in ${path}`)
}

async function tellRedriven({ key, status, verdict }: Redriven, json: boolean, io: Io): Promise<void> {
  if (status === 'rejected') io.exitCode = FAILED
  if (json) return writeJson(io, { key, status, verdict })
  if (status === 'published') io.stdout.write(`${key} is accepted now, and published\n`)
  if (status === 'accepted') io.stdout.write(`${key} was accepted already; nothing to do\n`)
  if (verdict.status === 'rejected') io.stdout.write(`${key} is still rejected: ${sentenceOf(verdict)}\n`)
}
