import type { Command } from 'commander'
import { HeadwaterError } from '../errors.ts'
import type { Environment } from '../app.ts'
import { formatCount } from '../lib/units.ts'
import { halfOf, reviewHalves } from '../review/key.ts'
import { originsIn } from '../services/origins.ts'
import { erasedAmong } from '../services/suppression.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store, Stored } from '../stores/store.ts'
import { type AddCommand, environment, type Io } from './command.ts'
import { makeChange } from './noted.ts'
import { openRegistry, openStore } from './open.ts'
import { write, writeJson } from './output.ts'
import {
  type ExportOptions,
  exportRecords,
  getOne,
  listRecords,
  type Selection,
  select,
  showRecord,
  tellVersion,
} from './records.ts'
import { example } from './up.ts'

/** Reads the raw store. */
export const addReviews: AddCommand = (program, io) => {
  const reviews = program
    .command('reviews')
    .description('read the store: every review, exactly as it was received')

  select(reviews.command('list').description('list records, accepted and rejected'))
    .option('--limit <n>', 'at most this many', '50')
    .addHelpText(
      'after',
      example('headwater reviews list --product B00123', 'headwater reviews list --from 7d --json'),
    )
    .action(async (selection: Selection, command: Command) => {
      const env = await environment(command, io)
      await using store = await openStore(env)
      await listRecords(store, selection, () => true, io, env)
    })

  reviews
    .command('get')
    .description('show one record: what was received, and what it is taken to be')
    .argument('<key>', 'the record key')
    .option('--raw', 'only the exact bytes that were received')
    .addHelpText(
      'after',
      example('headwater reviews get 2f6c…', 'headwater reviews get 2f6c… --raw > review.json'),
    )
    .action(async (key: string, { raw }: { raw?: boolean }, command: Command) => {
      const env = await environment(command, io)
      await using store = await openStore(env)
      const row = await getOne(store, key)
      if (raw) await write(io, row.received.raw)
      else await showRecord(row, io, env.json)
    })

  select(reviews.command('export').description('write records as NDJSON, or their exact bytes'))
    .option('--limit <n>', 'at most this many')
    .option('--raw', 'only the exact bytes that were received, an item a line')
    .option(
      '--framing <how>',
      'with --raw: length (a line with the number of bytes before each item) or files',
    )
    .option('--dir <folder>', 'where --framing files puts them', 'export')
    .addHelpText(
      'after',
      example(
        'headwater reviews export --raw > reviews.ndjson',
        'headwater reviews export --raw --framing files --dir out',
      ),
    )
    .action(async (options: Selection & ExportOptions, command: Command) => {
      const env = await environment(command, io)
      await using store = await openStore(env)
      await exportRecords(store, options, () => true, io)
    })

  reviews
    .command('history')
    .description(
      'list every version of a review, and its dead letters, in the order in which they were received, and when they were stored',
    )
    .argument('<review-id>', 'the id that the provider gave it')
    .option('--source <name>', 'only where that source brings it; otherwise wherever it was ever received')
    .addHelpText(
      'after',
      example('headwater reviews history R2X9', 'headwater reviews history R2X9 --source partner'),
    )
    .action(async (id: string, { source }: { source?: string }, command: Command) => {
      const env = await environment(command, io)
      await using store = await openStore(env)
      await using registry = await openRegistry(env)
      const rows = await historyOf(await halvesOf(id, source, { env, registry }), store, io.signal)
      await listAll(rows, io, env)
    })

  reviews
    .command('erase')
    .description('erase a review for good: all its versions and dead letters; it is not taken again')
    .argument('[key]', 'the key of any of its records')
    .option('--review <id>', 'the id that the provider gave it, in place of a key')
    .option('--source <name>', 'with --review: only where that source brings it')
    .option('--dry-run', 'only show what would be erased')
    .addHelpText(
      'after',
      example('headwater reviews erase 2f6c…', 'headwater reviews erase --review R2X9 --dry-run'),
    )
    .action(async (key: string | undefined, options: EraseOptions, command: Command) => {
      const env = await environment(command, io)
      await using store = await openStore(env)
      await using registry = await openRegistry(env)
      const halves = await meant(key, options, { env, store, registry, signal: io.signal })
      if (options.dryRun) return listAll(await historyOf(halves, store, io.signal), io, env)
      const { eraseReviews } = await import('../services/erasing.ts')
      // Which review it was is said by digests alone: nothing of it is to stay.
      const change = { what: 'erase', about: `reviews ${halves.join(' ')}`, details: {} }
      const erased = await makeChange(
        registry,
        change,
        () => eraseReviews(halves, { store, registry }, io.signal),
        ({ length }) => ({ erased: length }),
      )
      if (env.json) await writeJson(io, { erased })
      else await write(io, `erased ${formatCount(erased.length, 'record')}; the review is not taken again\n`)
    })
}

interface EraseOptions {
  readonly review?: string
  readonly source?: string
  readonly dryRun?: boolean
}

interface Places {
  readonly env: Environment
  readonly registry: Registry
}

/** Which review a person means, as halves of record keys. */
async function meant(
  key: string | undefined,
  { review, source }: EraseOptions,
  { store, signal, ...places }: Places & { readonly store: Store; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  if ((key === undefined) === (review === undefined)) {
    throw new HeadwaterError('USAGE', 'expected the key of a record, or --review ID')
  }
  if (key === undefined) return halvesOf(review ?? '', source, places)
  // Of one that was erased the record is gone, and maybe not all the others.
  const isErased = (await erasedAmong([key], places.registry, { signal })).has(key)
  if (!isErased) await getOne(store, key)
  return [halfOf(key)]
}

/** The halves under which a review of this id may be stored: of one source, or of every origin there is. */
async function halvesOf(
  reviewId: string,
  source: string | undefined,
  { env, registry }: Places,
): Promise<readonly string[]> {
  const origins = source === undefined ? await originsIn(registry) : [originOf(source, env)]
  return origins.flatMap((origin) => reviewHalves(origin, reviewId))
}

/** An import has no source in the config: its name is the origin. */
const originOf = (source: string, { config }: Environment): string =>
  config.sources.find(({ name }) => name === source)?.origin ?? source

async function historyOf(
  halves: readonly string[],
  store: Store,
  signal: AbortSignal,
): Promise<readonly Stored[]> {
  const rows: Stored[] = []
  for (const half of halves) {
    for await (const { records } of store.scan({ by: 'review', half, signal })) rows.push(...records)
  }
  return rows.toSorted((a, b) => a.received.receivedAt - b.received.receivedAt)
}

async function listAll(rows: readonly Stored[], io: Io, { json }: { readonly json: boolean }): Promise<void> {
  for (const row of rows) await tellVersion(row, io, json)
  if (rows.length === 0 && !json) io.stderr.write('nothing found; reviews list shows what there is\n')
}
