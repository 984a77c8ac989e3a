import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { formatBytes, formatCount } from '../lib/units.ts'
import type { Stored } from '../stores/store.ts'
import { isDiscarded, isWaiting } from '../review/verdict.ts'
import { type AddCommand, environment, type Io } from './command.ts'
import { addDlqClusters } from './dlq-clusters.ts'
import { addDlqRedrive } from './dlq-redrive.ts'
import { addDlqRepair } from './dlq-repair.ts'
import { noteChange } from './noted.ts'
import { openRegistry, openStore } from './open.ts'
import { write, writeJson } from './output.ts'
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

const isOpen = ({ verdict }: Stored): boolean => isWaiting(verdict)
const isPutAside = ({ verdict }: Stored): boolean => isDiscarded(verdict)

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

  addDlqClusters(dlq, io)

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
  addDlqRedrive(dlq, io)

  select(dlq.command('purge').description('erase discarded dead letters for good, to make room'))
    .option('--dry-run', 'only count')
    .addHelpText('after', example('headwater dlq purge --to 30d --dry-run', 'headwater dlq purge --to 30d'))
    .action(async (selection: PurgeOptions, command: Command) =>
      purgeDiscarded(selection, await environment(command, io), io),
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

async function purgeDiscarded(
  { dryRun = false, ...selection }: PurgeOptions,
  env: Environment & { json: boolean },
  io: Io,
): Promise<void> {
  const { purge } = await import('../services/purge.ts')
  await using store = await openStore(env)
  await using registry = await openRegistry(env)
  const found = selected(store, selection, isPutAside, io.signal)
  const change = { what: 'purge', about: 'discarded dead letters', details: { ...selection } }
  if (!dryRun) await noteChange(registry, change)
  let [count, bytes] = [0, 0]
  try {
    for await (const gone of purge(found, { store, registry, dryRun, signal: io.signal })) {
      count += gone.count
      bytes += gone.bytes
    }
  } finally {
    // Also what was erased before the command was ended.
    if (!dryRun) await noteChange(registry, { ...change, details: { ...selection, erased: count } })
  }
  if (env.json) return writeJson(io, { [dryRun ? 'wouldErase' : 'erased']: count, bytes })
  const done = dryRun ? 'would erase' : 'erased'
  await write(io, `${done} ${formatCount(count, 'discarded dead letter')}, ${formatBytes(bytes)} of raw\n`)
}

interface PurgeOptions extends Selection {
  readonly dryRun?: boolean
}
