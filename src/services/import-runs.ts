import type { Registry } from '../stores/registry.ts'
import { type Counts, countsOf } from './ledger.ts'

/** What is remembered of an import until it is finished, so that doing it again goes on where it was cut off. */
export interface ImportRuns {
  /** Whether it goes on with an import that was cut off. */
  readonly isResumed: boolean
  /** What came of what earlier runs published; some of it is stored only by this one. */
  earlier(): Promise<Counts>
  /** Forgets it: the next import of these files reads them again. */
  finish(): Promise<void>
}

const RUNS = 'runs'

/**
 * Notes, durably, that this run takes part in the import: to be done before it publishes anything. `own` is the part of
 * the registry that belongs to this import alone.
 */
export async function beginImport(own: Registry, registry: Registry, run: string): Promise<ImportRuns> {
  const runs = await note(own, run)
  return {
    isResumed: runs.length > 0,
    async earlier() {
      const counts = await Promise.all(runs.map((each) => countsOf(registry, each)))
      return counts.reduce(sum, { stored: 0, rejected: 0, unchanged: 0 })
    },
    async finish() {
      for await (const { name, revision } of own.list('')) await own.remove(name, revision)
    },
  }
}

/** Adds a run to those that took part, and resolves to the others. */
async function note(own: Registry, run: string): Promise<readonly string[]> {
  while (true) {
    const entry = await own.get(RUNS)
    const runs = entry ? (JSON.parse(entry.value.toString()) as string[]) : []
    if (await own.compareAndSet(RUNS, entry?.revision ?? 0, Buffer.from(JSON.stringify([...runs, run]))))
      return runs
  }
}

const sum = (a: Counts, b: Counts): Counts => ({
  stored: a.stored + b.stored,
  rejected: a.rejected + b.rejected,
  unchanged: a.unchanged + b.unchanged,
})
