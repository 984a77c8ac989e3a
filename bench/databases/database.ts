import type { Arrival } from '../../src/review/record.ts'
import type { Store } from '../../src/stores/store.ts'

/** A database to measure on, started for it. */
export interface Database extends AsyncDisposable {
  /** How many rows it takes in a bearable time. */
  readonly most: number
  /** An empty store, as Headwater has it. */
  open(name: string): Promise<Store>
  /** The same tables, empty, as its client library alone has them, used as safely. */
  bare(name: string): Promise<Bare>
}

export interface Bare extends AsyncDisposable {
  /**
   * Lays a batch out as the client takes it, which is not measured. What it resolves to puts the batch, so that the first write
   * of a key wins, and resolves when all of it is durable.
   */
  prepare(arrivals: readonly Arrival[]): Promise<() => Promise<void>>
  /** All rows by time, in pages. */
  scan(): AsyncIterable<readonly unknown[]>
}

/** Starts it; a text says why it can't be. */
export type StartDatabase = () => Promise<Database | string>

/** How many rows are put, and read, at a time. */
export const BATCH = 500
