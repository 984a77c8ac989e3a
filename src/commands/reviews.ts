import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { sentenceOf } from '../event.ts'
import type { Scan, Store, Stored } from '../stores/store.ts'
import { type AddCommand, environment, FAILED, type Io, parseCount, parseTime } from './command.ts'
import { openStore } from './open.ts'
import { excerpt, write, writeJson } from './output.ts'
import { example } from './up.ts'

/** Which records of the store are meant. */
export interface Selection {
  readonly from?: string
  readonly to?: string
  readonly source?: string
  readonly product?: string
  readonly review?: string
  readonly cluster?: string
  readonly limit?: string
}

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
}

/** Adds the options that select records. */
export function select(command: Command): Command {
  return command
    .option('--from <time>', 'received from then on: 2026-01-31T10:00:00Z, 2026-01-31 or 7d')
    .option('--to <time>', 'received before then')
    .option('--source <name>', 'of one source')
    .option('--product <id>', 'of one product')
    .option('--review <id>', 'all versions of one review; needs --source')
}

/** The records that are meant, in the store's order. */
export async function* selected(
  store: Store,
  selection: Selection,
  where: (row: Stored) => boolean,
  signal: AbortSignal,
): AsyncGenerator<Stored> {
  const { source, limit } = selection
  let left = limit === undefined ? Number.POSITIVE_INFINITY : parseCount(limit, '--limit')
  const matches = (row: Stored): boolean =>
    where(row) && (source === undefined || row.received.context.source === source)
  for await (const { records } of store.scan({ ...scanOf(selection), where: matches, signal })) {
    for (const record of records) {
      signal.throwIfAborted()
      if (left-- <= 0) return
      yield record
    }
    if (left <= 0) return
  }
}

/** What the options select, as the store is asked for it. */
export function scanOf({ from, to, source, product, review, cluster }: Selection): Scan {
  const now = Date.now()
  const window = {
    ...(from !== undefined && { from: parseTime(from, '--from', now) }),
    ...(to !== undefined && { to: parseTime(to, '--to', now) }),
  }
  if (review !== undefined) {
    if (source === undefined)
      throw new HeadwaterError('USAGE', '--review: needs --source, since two sources may use the same id')
    return { by: 'review', origin: source, reviewId: review, ...window }
  }
  if (product !== undefined) return { by: 'product', product, ...window }
  if (cluster !== undefined) return { by: 'cluster', cluster, ...window }
  return { by: 'time', ...window }
}

/** One line a record for a person, one document a record with --json. */
export async function listRecords(
  store: Store,
  selection: Selection,
  where: (row: Stored) => boolean,
  io: Io,
  { config, json }: Pick<Environment, 'config'> & { json: boolean },
): Promise<void> {
  let count = 0
  for await (const row of selected(store, selection, where, io.signal)) {
    count++
    if (json) await writeJson(io, documentOf(row))
    else await write(io, `${lineOf(row)}\n`)
  }
  if (json) return
  if (count === 0) io.stderr.write(`nothing found; the data folder is ${config.dataDir}\n`)
  else if (String(count) === selection.limit) io.stderr.write(`the first ${count}; --limit shows more\n`)
}

export async function getOne(store: Store, key: string): Promise<Stored> {
  const row = (await store.get([key])).get(key)
  if (row) return row
  throw new HeadwaterError('NOT_FOUND', `${key}: no such record; \`headwater reviews list\` shows keys`)
}

/** One record in full. Raw is shown as text; `--raw` gives the bytes. */
export async function showRecord(row: Stored, io: Io, json: boolean): Promise<void> {
  await writeJson(io, documentOf(row), json ? 0 : 2)
}

export function documentOf(row: Stored) {
  const { key, revision, rawHash, received, verdict, ledger } = row
  const { origin, receivedAt, context, raw } = received
  const text = raw.toString()
  const rawAs = Buffer.from(text).equals(raw) ? { raw: text } : { rawBase64: raw.toString('base64') }
  return {
    key,
    revision,
    origin,
    receivedAt: new Date(receivedAt).toISOString(),
    verdict,
    context,
    ledger,
    rawHash,
    ...rawAs,
  }
}

function lineOf({ key, received, verdict }: Stored): string {
  const time = new Date(received.receivedAt).toISOString().slice(0, 19)
  if (verdict.status === 'rejected') {
    const state = verdict.discarded ? 'discarded' : verdict.code
    return `${key}  ${time}  ${excerpt(received.origin, 20)}  ✗ ${state}: ${excerpt(sentenceOf(verdict), 100)}`
  }
  const { product_id, rating, review_text } = verdict.review
  return `${key}  ${time}  ${excerpt(received.origin, 20)}  ${excerpt(product_id, 16)}  ${rating}  ${excerpt(review_text, 80)}`
}

export interface ExportOptions {
  readonly raw?: boolean
  readonly framing?: string
  readonly dir?: string
}

export async function exportRecords(
  store: Store,
  options: Selection & ExportOptions,
  where: (row: Stored) => boolean,
  io: Io,
): Promise<void> {
  const { raw, framing, dir = 'export' } = options
  if (framing !== undefined && framing !== 'length' && framing !== 'files') {
    throw new HeadwaterError('USAGE', `--framing: expected length or files, found "${framing}"`)
  }
  if (framing !== undefined && !raw)
    throw new HeadwaterError('USAGE', '--framing: needs --raw; without it each record is a line of JSON')
  if (framing === 'files') await mkdir(dir, { recursive: true })
  for await (const row of selected(store, options, where, io.signal)) {
    const bytes = row.received.raw
    if (!raw) await writeJson(io, documentOf(row))
    else if (framing === 'files') await writeFile(join(dir, `${row.key}.raw`), bytes)
    else if (framing === 'length') await writeFramed(bytes, io)
    else if (bytes.includes(0x0a)) {
      io.stderr.write(`${row.key} holds a newline: use --framing length or --framing files\n`)
      io.exitCode = FAILED
      return
    } else {
      await write(io, bytes)
      await write(io, '\n')
    }
  }
}

async function writeFramed(bytes: Buffer, io: Io): Promise<void> {
  await write(io, `${bytes.length}\n`)
  await write(io, bytes)
  await write(io, '\n')
}
