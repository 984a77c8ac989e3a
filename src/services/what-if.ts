import { isDeepStrictEqual } from 'node:util'
import { interpret, type Rules } from '../review/interpret.ts'
import { type Accepted, isDiscarded, type Rejected, type Verdict } from '../review/verdict.ts'
import type { Scan, Store, Stored } from '../stores/store.ts'

export interface WhatIf {
  readonly store: Store
  readonly select: Scan
  /** The rules to try on a record; undefined where they are not for it. Asked once for each source and preset. */
  readonly rules: (record: Stored) => Promise<Rules | undefined>
  readonly signal: AbortSignal
  readonly onPage?: (outcome: Outcome) => void
}

/** What other rules would make of what is stored, as against what is stored of it. */
export interface Outcome {
  /** Records that the rules were tried on: those that are accepted, and dead letters that wait to be mended. */
  readonly looked: number
  readonly accepted: number
  readonly rejected: number
  /** Accepted records that would be dead letters. */
  readonly newlyRejected: Grouped
  /** Dead letters that would be accepted. */
  readonly rescued: Grouped
  /** Accepted reviews that would be others, and how many of them by field. */
  readonly changed: { readonly count: number; readonly fields: Readonly<Record<string, number>> }
}

export interface Grouped {
  readonly count: number
  /** The largest first. */
  readonly clusters: readonly WhatIfCluster[]
  /** How many are in none of these clusters, since there were too many. */
  readonly unlisted: number
}

/** Records that share one fault: the one they would have, or the one they would no longer have. */
export interface WhatIfCluster {
  readonly cluster: string
  readonly source: string
  readonly code: string
  /** Of the sample. */
  readonly message: string
  readonly count: number
  /** The key of one of them. */
  readonly sample: string
}

/** So many clusters are told apart; the sender may choose how many there are. */
const MOST_CLUSTERS = 1_000

/**
 * Interprets what is stored by other rules, with the mending of each record, and changes nothing. In memory it holds one page
 * and at most 1,000 clusters.
 */
export async function whatIf({ store, select, rules, signal, onPage }: WhatIf): Promise<Outcome> {
  const newlyRejected = createGroups()
  const rescued = createGroups()
  const fields = new Map<string, number>()
  const counts = { accepted: 0, rejected: 0, changed: 0 }
  const known = new Map<string, Rules | undefined>()

  async function rulesOf(record: Stored): Promise<Rules | undefined> {
    const name = `${record.received.context.source} ${record.verdict.by.preset}`
    if (!known.has(name)) known.set(name, await rules(record))
    return known.get(name)
  }

  function take({ key, verdict, received }: Stored, next: Verdict): void {
    const { source } = received.context
    if (verdict.status === 'rejected') {
      counts.rejected++
      if (next.status !== 'rejected') rescued.add(key, source, verdict)
      return
    }
    counts.accepted++
    if (next.status === 'rejected') newlyRejected.add(key, source, next)
    else if (verdict.status === 'accepted' && next.status === 'accepted') compare(verdict, next)
  }

  function compare({ review: before }: Accepted, { review: after }: Accepted): void {
    const differing = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (field) => before[field] !== after[field] && !isDeepStrictEqual(before[field], after[field]),
    )
    if (differing.length > 0) counts.changed++
    for (const field of differing) fields.set(field, (fields.get(field) ?? 0) + 1)
  }

  function outcome(): Outcome {
    const { accepted, rejected, changed } = counts
    const largestFirst = [...fields].toSorted(([, a], [, b]) => b - a)
    return {
      looked: accepted + rejected,
      accepted,
      rejected,
      newlyRejected: newlyRejected.list(),
      rescued: rescued.list(),
      changed: { count: changed, fields: Object.fromEntries(largestFirst) },
    }
  }

  for await (const { records } of store.scan({ ...select, signal })) {
    for (const record of records) {
      if (isDiscarded(record.verdict)) continue
      const tried = await rulesOf(record)
      if (tried) take(record, interpret(record, tried, record.verdict.by))
    }
    onPage?.(outcome())
  }
  return outcome()
}

function createGroups() {
  const clusters = new Map<string, { -readonly [Key in keyof WhatIfCluster]: WhatIfCluster[Key] }>()
  let count = 0
  let unlisted = 0
  return {
    add(key: string, source: string, { cluster, code, errors }: Rejected): void {
      count++
      const known = clusters.get(cluster)
      if (known) known.count++
      else if (clusters.size >= MOST_CLUSTERS) unlisted++
      else
        clusters.set(cluster, {
          cluster,
          source,
          code,
          message: errors[0]?.message ?? code,
          count: 1,
          sample: key,
        })
    },
    list: (): Grouped => ({
      count,
      clusters: [...clusters.values()].toSorted((a, b) => b.count - a.count),
      unlisted,
    }),
  }
}
