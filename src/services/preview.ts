import { setImmediate as turn } from 'node:timers/promises'
import { sentenceOf } from '../event.ts'
import { candidateOf, interpret, type Rules } from '../review/interpret.ts'
import { type Repair, tie } from '../review/repair.ts'
import type { Fault, Verdict } from '../review/verdict.ts'
import type { Store, Stored } from '../stores/store.ts'

export interface PreviewOptions {
  readonly store: Pick<Store, 'scan'>
  readonly cluster: string
  /** What is tried; without one, what the rules of today make of them. */
  readonly repair?: Repair
  readonly rules: (record: Stored) => Promise<Rules>
  readonly signal: AbortSignal
  /** So many of those that would pass are shown, and so many of those that would not; 3 unless told. */
  readonly samples?: number
  /** Looks at so many letters and no further; at all of them unless told. */
  readonly limit?: number
  /** Told after every page. */
  readonly onProgress?: (counts: Pick<Preview, 'looked' | 'pass' | 'fail'>) => void
}

/** What would become of the letters of a cluster. Nothing is changed by finding out. */
export interface Preview {
  readonly looked: number
  readonly pass: number
  readonly fail: number
  /** There are letters that were not looked at. */
  readonly isMore: boolean
  /** The sources that they came from. */
  readonly sources: readonly string[]
  /** Why some would not pass, the most frequent reason first; `message` is that of the first of them. */
  readonly reasons: readonly Reason[]
  readonly samples: readonly Sample[]
}

export interface Reason {
  readonly code: string
  readonly message: string
  readonly count: number
}

/** One letter: what the preset finds in it and, where it would pass, the review it would be. Long values are cut. */
export interface Sample {
  readonly key: string
  readonly before: Readonly<Record<string, unknown>>
  readonly after?: Readonly<Record<string, unknown>>
  readonly errors?: readonly Fault[]
}

/** What else the process does has its turn after so long. */
const TURN_MS = 20

/** Interprets every letter of a cluster with a repair that none of them has yet, a page at a time. */
export async function preview(options: PreviewOptions): Promise<Preview> {
  const { store, cluster, repair, rules, signal, samples: shown = 3, limit = Infinity, onProgress } = options
  const samples = { pass: [] as Sample[], fail: [] as Sample[] }
  const reasons = new Map<string, Reason>()
  const sources = new Set<string>()
  const counts = { looked: 0, pass: 0, fail: 0 }
  let isMore = false
  let turnedAt = performance.now()

  async function look(record: Stored): Promise<void> {
    const found = await rules(record)
    const { by } = record.verdict
    const verdict = interpret(record, found, repair === undefined ? by : tie(by, repair))
    const outcome = verdict.status === 'rejected' ? 'fail' : 'pass'
    counts.looked++
    counts[outcome]++
    sources.add(record.received.context.source)
    note(reasons, verdict)
    if (samples[outcome].length < shown) samples[outcome].push(sampleOf(record, found, verdict))
  }

  for await (const { records } of store.scan({ by: 'cluster', cluster, signal })) {
    for (const record of records) {
      signal.throwIfAborted()
      isMore = counts.looked >= limit
      if (isMore) break
      await look(record)
      if (performance.now() - turnedAt < TURN_MS) continue
      await turn()
      turnedAt = performance.now()
    }
    onProgress?.({ ...counts })
    if (isMore) break
  }
  return {
    ...counts,
    isMore,
    sources: [...sources],
    reasons: [...reasons.values()].toSorted((a, b) => b.count - a.count),
    samples: [...samples.pass, ...samples.fail],
  }
}

/** There are as many reasons as the schema has fields and keywords, whatever is sent. */
function note(reasons: Map<string, Reason>, verdict: Verdict): void {
  if (verdict.status !== 'rejected') return
  const { code } = verdict
  const name = `${code} ${verdict.errors[0]?.keyword}`
  const { message, count } = reasons.get(name) ?? { message: sentenceOf(verdict), count: 0 }
  reasons.set(name, { code, message, count: count + 1 })
}

function sampleOf(record: Stored, rules: Rules, verdict: Verdict): Sample {
  const before = brief(candidateOf(record, rules) ?? {})
  if (verdict.status === 'rejected') return { key: record.key, before, errors: verdict.errors }
  return { key: record.key, before, ...(verdict.status === 'accepted' && { after: brief(verdict.review) }) }
}

const MAX_TEXT = 1_000
const MAX_ENTRIES = 10

/** The same fields, of a size that can be shown: what a letter holds may be longer and deeper than can be printed. */
const brief = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, briefly(value)]))

function briefly(value: unknown): unknown {
  if (!Array.isArray(value)) return scalarOf(value)
  const entries = value.slice(0, MAX_ENTRIES).map((entry: unknown) => scalarOf(entry))
  return value.length > MAX_ENTRIES ? [...entries, '…'] : entries
}

function scalarOf(value: unknown): unknown {
  if (value !== null && typeof value === 'object') return Array.isArray(value) ? '[…]' : '{…}'
  return typeof value === 'string' && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
}
