import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { sentenceOf } from '../event.ts'
import { formatDuration } from '../lib/units.ts'
import { findableBy } from '../review/verdict.ts'
import { documentOf } from '../services/document.ts'
import { storedAfterMs } from '../services/passport.ts'
import type { Scan, Store, Stored } from '../stores/store.ts'
import { FAILED, type Io, parseCount, parseTime } from './command.ts'
import { excerpt, write, writeJson } from './output.ts'

/** Which records of the store are meant. */
export interface Selection {
  readonly from?: string
  readonly to?: string
  readonly source?: string
  readonly product?: string
  readonly cluster?: string
  readonly limit?: string
}

/** Adds the options that select records. */
export function select(command: Command): Command {
  return command
    .option('--from <time>', 'received from then on: 2026-01-31T10:00:00Z, 2026-01-31 or 7d')
    .option('--to <time>', 'received before then')
    .option('--source <name>', 'of one source')
    .option('--product <id>', 'of one product')
}

/** The records that are meant, in the store's order. */
export async function* selected(
  store: Store,
  selection: Selection,
  where: (row: Stored) => boolean,
  signal: AbortSignal,
): AsyncGenerator<Stored> {
  const { source, cluster, limit } = selection
  let left = limit === undefined ? Number.POSITIVE_INFINITY : parseCount(limit, '--limit')
  const matches = (row: Stored): boolean =>
    where(row) &&
    (source === undefined || row.received.context.source === source) &&
    (cluster === undefined || findableBy(row.verdict).cluster === cluster)
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
export function scanOf({ product, cluster, ...typed }: Selection): Scan {
  const window = windowOf(typed, Date.now())
  if (product !== undefined) return { by: 'product', product, ...window }
  if (cluster !== undefined) return { by: 'cluster', cluster, ...window }
  return { by: 'time', ...window }
}

/** Milliseconds since 1970. */
export function windowOf({ from, to }: Selection, now: number): Pick<Scan, 'from' | 'to'> {
  return {
    ...(from !== undefined && { from: parseTime(from, '--from', now) }),
    ...(to !== undefined && { to: parseTime(to, '--to', now) }),
  }
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
    await tellRecord(row, io, json)
  }
  if (json) return
  if (count === 0) io.stderr.write(`nothing found; the data folder is ${config.dataDir}\n`)
  else if (String(count) === selection.limit) io.stderr.write(`the first ${count}; --limit shows more\n`)
}

/** A line for a person, or a document. */
async function tellRecord(row: Stored, io: Io, json: boolean): Promise<void> {
  if (json) await writeJson(io, documentOf(row))
  else await write(io, `${lineOf(row)}\n`)
}

/** The same of one version among others: the line also tells how long it took until it was stored. */
export async function tellVersion(row: Stored, io: Io, json: boolean): Promise<void> {
  if (json) return writeJson(io, documentOf(row))
  const waitedMs = storedAfterMs(row)
  const stored = waitedMs === undefined ? '' : `  (stored after ${formatDuration(waitedMs)})`
  await write(io, `${lineOf(row)}${stored}\n`)
}

/** The record with this key. Throws NOT_FOUND. */
export async function getOne(store: Store, key: string): Promise<Stored> {
  const row = (await store.get([key])).get(key)
  if (row) return row
  throw new HeadwaterError('NOT_FOUND', `${key}: no such record; \`headwater reviews list\` shows keys`)
}

/** One record in full. Raw is shown as text; `--raw` gives the bytes. */
export async function showRecord(row: Stored, io: Io, json: boolean): Promise<void> {
  await writeJson(io, documentOf(row), json ? 0 : 2)
}

function lineOf({ key, received, verdict }: Stored): string {
  const time = new Date(received.receivedAt).toISOString().slice(0, 19)
  if (verdict.status === 'rejected') {
    const state = verdict.discarded ? 'discarded' : verdict.code
    return `${key}  ${time}  ${excerpt(received.origin, 20)}  ✗ ${state}: ${excerpt(sentenceOf(verdict), 100)}`
  }
  if (verdict.status !== 'accepted') {
    const { status, review_id, product = '' } = verdict
    return `${key}  ${time}  ${excerpt(received.origin, 20)}  ${excerpt(product, 16)}  ${status}: ${excerpt(review_id, 80)}`
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
