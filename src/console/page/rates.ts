import type { Now, SourceFlow } from '../api/now.ts'
import { msOf } from './words.ts'

/** The counters of one look, of all sources together and of each. */
export interface Look {
  readonly atMs: number
  readonly total: Counters
  readonly bySource: ReadonlyMap<string, Counters>
  readonly backlog: number | undefined
  readonly oldestAgeMs: number | undefined
}

export interface Counters {
  readonly received: number
  readonly stored: number
  readonly unchanged: number
  readonly rejected: number
}

export function lookOf(now: Now): Look {
  const bySource = new Map(now.sources.map((source) => [source.name, countersOf(source)]))
  return {
    atMs: msOf(now.at),
    total: sumOf([...bySource.values()]),
    bySource,
    backlog: known(now.topics.map(({ backlog }) => backlog))?.reduce((sum, backlog) => sum + backlog, 0),
    oldestAgeMs: known(now.topics.map(({ oldestAgeMs }) => oldestAgeMs))?.reduce((a, b) => Math.max(a, b), 0),
  }
}

/**
 * What went by per second between the last look and the one that was taken `windowMs` before it, or as long before as
 * there are looks. Undefined with fewer than two looks, and where a counter has begun anew in between.
 */
export function rateOf(looks: readonly Look[], windowMs: number, source?: string): Counters | undefined {
  const last = looks.at(-1)
  const first = last && looks.find(({ atMs }) => atMs >= last.atMs - windowMs)
  if (!last || !first || last === first) return undefined
  const [from, to] = [first, last].map((look) =>
    source === undefined ? look.total : look.bySource.get(source),
  )
  if (!from || !to || to.received < from.received) return undefined
  const seconds = (last.atMs - first.atMs) / 1000
  return mapped((name) => Math.max(0, to[name] - from[name]) / seconds)
}

const countersOf = ({ received, stored, published, unchanged, rejected }: SourceFlow): Counters => ({
  received,
  stored: stored ?? Math.max(0, published - rejected),
  unchanged,
  rejected,
})

const sumOf = (all: readonly Counters[]): Counters =>
  mapped((name) => all.reduce((sum, counters) => sum + counters[name], 0))

const mapped = (of: (name: keyof Counters) => number): Counters => ({
  received: of('received'),
  stored: of('stored'),
  unchanged: of('unchanged'),
  rejected: of('rejected'),
})

function known(values: readonly (number | undefined)[]): readonly number[] | undefined {
  const found = values.filter((value) => value !== undefined)
  return found.length > 0 ? found : undefined
}
