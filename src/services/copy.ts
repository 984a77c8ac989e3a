import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { arrivalOf } from '../arrival.ts'
import { HeadwaterError } from '../errors.ts'
import { isNewer } from '../review/compare.ts'
import type { Verdict } from '../review/verdict.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store, Stored } from '../stores/store.ts'
import { forget } from './forget.ts'

export interface Place {
  readonly store: Store
  readonly registry: Registry
}

export interface CopyOptions {
  readonly from: Place
  readonly into: Place
  /** Names where it comes from, so that the same copy goes on where it was cut off. */
  readonly name: string
  readonly signal: AbortSignal
  /** Repeats what fails for now. */
  readonly patiently: <T>(work: () => Promise<T>) => Promise<T>
  readonly onPage?: (progress: Readonly<Record<'copied' | 'verified', number>>) => void
}

export interface Copied {
  /** Records that were looked at, in this run. */
  readonly records: number
  /** Newly written; the others were there already. */
  readonly stored: number
  readonly entries: number
  /** Records that are not there as they were, by their keys, and what is wrong with them. */
  readonly problems: readonly { readonly key: string; readonly problem: string }[]
}

const POSITIONS = 'copy/'
/** What is true of processes that run, and of nothing else. */
const PASSING = ['storage/starts/', 'storage/attempts/', 'leases/members/', POSITIONS]

/**
 * Copies every record with its present verdict, and every entry of the registry that is not there yet; then compares every
 * record and its bytes. The copies are stored when they are copied. Safe to repeat; a copy that was cut off goes on at the page where it was.
 */
export async function copyAll(options: CopyOptions): Promise<Copied> {
  const { into, name, patiently } = options
  const records = await copyRecords(options)
  const entries = await copyRegistry(options)
  const problems = await compareAll(options, records.looked)
  if (problems.length === 0) await patiently(() => forget(into.registry, POSITIONS + name))
  return { records: records.looked, stored: records.stored, entries, problems }
}

async function copyRecords({ from, into, name, signal, patiently, onPage }: CopyOptions) {
  let position = await patiently(() => into.registry.get(POSITIONS + name))
  let looked = 0
  let stored = 0
  const after = position?.value.toString()
  for await (const page of from.store.scan({ by: 'time', signal, ...(after !== undefined && { after }) })) {
    stored += await copyPage(page.records, into.store, patiently)
    looked += page.records.length
    await patiently(() =>
      into.registry.compareAndSet(POSITIONS + name, position?.revision ?? 0, Buffer.from(page.after)),
    )
    position = await patiently(() => into.registry.get(POSITIONS + name))
    onPage?.({ copied: looked, verified: 0 })
  }
  return { looked, stored }
}

/** Tells how many are new. One that was there with another verdict gets this one, unless its own is newer. */
async function copyPage(
  records: readonly Stored[],
  into: Store,
  patiently: CopyOptions['patiently'],
): Promise<number> {
  const outcomes = await patiently(() => into.put(records.map(arrivalOf)))
  for (const [n, outcome] of outcomes.entries()) {
    if (typeof outcome === 'object')
      throw new HeadwaterError(
        'STORE_REFUSED',
        `${records[n]?.key}: ${outcome.message}; the copy stops before it`,
      )
  }
  // A verdict that was changed since says more than the event that it would have come with.
  const doubtful = records.filter(({ revision }, n) => revision > 0 || outcomes[n] === 'unchanged')
  const rows = await patiently(() => into.get(doubtful.map(keyOf)))
  for (const { key, verdict } of doubtful) {
    const row = rows.get(key)
    if (row && isBehind(row.verdict, verdict)) await patiently(() => into.amend(key, row.revision, verdict))
  }
  return outcomes.filter((outcome) => outcome === 'stored').length
}

async function copyRegistry({ from, into, signal, patiently }: CopyOptions): Promise<number> {
  let entries = 0
  for await (const { name, value } of from.registry.list('', { signal })) {
    if (PASSING.some((prefix) => name.startsWith(prefix))) continue
    await patiently(() => into.registry.compareAndSet(name, 0, value))
    entries++
  }
  return entries
}

async function compareAll(
  { from, into, signal, patiently, onPage }: CopyOptions,
  copied: number,
): Promise<Copied['problems']> {
  const problems: { key: string; problem: string }[] = []
  let verified = 0
  for await (const { records } of from.store.scan({ by: 'time', signal })) {
    const rows = await patiently(() => into.store.get(records.map(keyOf)))
    for (const record of records) {
      const problem = difference(record, rows.get(record.key))
      if (problem !== undefined) problems.push({ key: record.key, problem })
    }
    verified += records.length
    onPage?.({ copied, verified })
  }
  return problems
}

function difference(record: Stored, row: Stored | undefined): string | undefined {
  if (!row) return 'missing'
  if (hash('sha256', row.received.raw, 'hex') !== record.rawHash) return 'altered'
  return isBehind(row.verdict, record.verdict) ? 'has another verdict' : undefined
}

/** Whether a verdict is not the one that is copied, and was not made by newer rules since. */
function isBehind(there: Verdict, copied: Verdict): boolean {
  return !isDeepStrictEqual(there, copied) && !isNewer(there, copied)
}

const keyOf = ({ key }: Stored): string => key
