import { isDeepStrictEqual } from 'node:util'
import { arrivalOf } from '../arrival.ts'
import { HeadwaterError } from '../errors.ts'
import { isNewer } from '../review/compare.ts'
import { isGenuine } from '../review/genuine.ts'
import { halfOf } from '../review/key.ts'
import { isWaiting, type Verdict } from '../review/verdict.ts'
import type { Registry } from '../stores/registry.ts'
import type { Store, Stored } from '../stores/store.ts'
import { type CopiedRegistry, copyRegistry, POSITIONS } from './copy-registry.ts'
import { eraseReviews } from './erasing.ts'
import { forget } from './forget.ts'
import { suppress, suppressedIn } from './suppression.ts'

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

export interface Copied extends CopiedRegistry {
  /** Records that were looked at, in this run. */
  readonly records: number
  /** Newly written; the others were there already. */
  readonly stored: number
  /** Records that are not there as they were, by their keys, and what is wrong with them. */
  readonly problems: readonly { readonly key: string; readonly problem: string }[]
}

/**
 * Copies every record with its present verdict, and compares every record and its bytes; then, where all are there, makes the
 * registry what it is in the old place. What was erased in either place is not in the new one afterwards. The copies are stored
 * when they are copied. Safe to repeat: one that was cut off goes on at the page where it was, one that came to its end begins
 * anew, and so finds what changed behind it.
 */
export async function copyAll(options: CopyOptions): Promise<Copied> {
  const { into, name, patiently } = options
  const erased = await copySuppressed(options)
  const { looked, stored } = await copyRecords(options, erased)
  const problems = await compareAll(options, erased, looked)
  await patiently(() => forget(into.registry, POSITIONS + name))
  // A pipeline that began from it would pass over what is missing.
  const registry = problems.length > 0 ? { entries: 0, conflicts: [] } : await copyRegistry(options)
  await eraseSuppressed(options)
  return { records: looked, stored, ...registry, problems }
}

type Erased = ReadonlySet<string>

/** Before any record, so that no process in the new place takes again what is erased. Resolves to all that is on its list. */
async function copySuppressed({ from, into, patiently }: CopyOptions): Promise<Erased> {
  const wanted = await patiently(() => suppressedIn(from.registry))
  const there = await patiently(() => suppressedIn(into.registry))
  await patiently(() => suppress([...wanted.difference(there)], into.registry))
  return wanted.union(there)
}

/** Last, since reviews may be erased while they are copied. An earlier copy may have put them there, too. */
async function eraseSuppressed(options: CopyOptions): Promise<void> {
  const { into, signal, patiently } = options
  const halves = [...(await copySuppressed(options))]
  if (halves.length > 0) await patiently(() => eraseReviews(halves, into, signal))
}

async function copyRecords(
  { from, into, name, signal, patiently, onPage }: CopyOptions,
  erased: Erased,
): Promise<{ readonly looked: number; readonly stored: number }> {
  let position = await patiently(() => into.registry.get(POSITIONS + name))
  let looked = 0
  let stored = 0
  const after = position?.value.toString()
  for await (const page of from.store.scan({ by: 'time', signal, ...(after !== undefined && { after }) })) {
    stored += await copyPage(without(erased, page.records), into.store, patiently)
    looked += page.records.length
    await patiently(() =>
      into.registry.compareAndSet(POSITIONS + name, position?.revision ?? 0, Buffer.from(page.after)),
    )
    position = await patiently(() => into.registry.get(POSITIONS + name))
    onPage?.({ copied: looked, verified: 0 })
  }
  return { looked, stored }
}

/** Tells how many are new. One that was there with another verdict gets this one, unless its own was made since. */
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

async function compareAll(
  { from, into, signal, patiently, onPage }: CopyOptions,
  erased: Erased,
  copied: number,
): Promise<Copied['problems']> {
  const problems: { key: string; problem: string }[] = []
  let verified = 0
  for await (const { records } of from.store.scan({ by: 'time', signal })) {
    const wanted = without(erased, records)
    const rows = await patiently(() => into.store.get(wanted.map(keyOf)))
    for (const record of wanted) {
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
  if (!isGenuine({ received: row.received, rawHash: record.rawHash })) return 'altered'
  return isBehind(row.verdict, record.verdict) ? 'has another verdict' : undefined
}

/** Whether a verdict is not the one that is copied, and was not made since, in the new place. */
function isBehind(there: Verdict, copied: Verdict): boolean {
  // Nothing makes a letter wait again but newer rules, and a queue that refuses what was to be published.
  const isOwed = there.unpublished === true
  const isSettled = isWaiting(copied) && !isWaiting(there) && !isOwed && !isNewer(copied, there)
  return !isSame(there, copied) && !isNewer(there, copied) && !isSettled
}

/** As JSON says it, which reads -0 and writes 0. */
const isSame = (a: Verdict, b: Verdict): boolean =>
  isDeepStrictEqual(a, b) || isDeepStrictEqual(written(a), written(b))
const written = (verdict: Verdict): unknown => JSON.parse(JSON.stringify(verdict))

const without = (erased: Erased, records: readonly Stored[]): readonly Stored[] =>
  records.filter(({ key }) => !erased.has(halfOf(key)))
const keyOf = ({ key }: Stored): string => key
