import type { Adapter, Context } from '../adapter.ts'
import type { Cancellable, Refusal } from '../batch.ts'
import type { Arrival, ReviewRecord } from '../review/record.ts'
import type { Verdict } from '../review/verdict.ts'
import type { Registry } from './registry.ts'

export interface Stored extends ReviewRecord {
  /** Counts the verdicts: 0 as first stored. */
  readonly revision: number
  /** SHA-256 of raw in hex, as noted when it was first stored. */
  readonly rawHash: string
  /**
   * When the row was first written, in milliseconds since 1970 by the clock of the process that put it; a new verdict and a
   * repeated put leave it. It is of the store at hand: a copy has the moment of the copying. Absent where the row doesn't say it.
   */
  readonly storedAt?: number
}

/** The access path; each may be narrowed by received time (milliseconds, `to` excluded). */
export type Scan = Window &
  (
    | { readonly by: 'time' }
    | { readonly by: 'product'; readonly product: string }
    /** `half` says which review: the first half of its record keys, see `reviewHalves`. */
    | { readonly by: 'review'; readonly half: string }
    | { readonly by: 'cluster'; readonly cluster: string }
  )

export interface Window extends Cancellable {
  readonly from?: number
  readonly to?: number
  /** A position given out by an earlier page; survives a restart. */
  readonly after?: string
  readonly where?: (record: Stored) => boolean
  /** At most this many records a page; 500 unless told. */
  readonly pageSize?: number
}

export interface Page {
  readonly records: readonly Stored[]
  /** Where to go on: everything up to here was looked at. */
  readonly after: string
}

/**
 * The raw store, already connected.
 *
 * - The first write of a key wins, so `put` is safe to repeat after any error; also twice in one call is once.
 * - Raw, context and key never change; `amend` replaces a verdict, and the indexes with it, if nobody else has since
 *   `revision`.
 * - A dead letter that was discarded is in no cluster any more.
 * - `scan` is complete for what was stored before it began, in an order of the store's own that does not change and is
 *   close to received time; a page may be empty. It holds one page in memory.
 */
export interface Store extends AsyncDisposable {
  put(arrivals: readonly Arrival[], options?: Cancellable): Promise<readonly PutOutcome[]>
  get(keys: readonly string[], options?: Cancellable): Promise<ReadonlyMap<string, Stored>>
  scan(scan: Scan): AsyncIterable<Page>
  amend(key: string, revision: number, verdict: Verdict, options?: Cancellable): Promise<boolean>
  /** Removes rows with everything that points to them. Keys that are not there are no error. */
  erase(keys: readonly string[], options?: Cancellable): Promise<void>
  /** Every cluster of dead letters that wait to be mended, where the store can tell without looking at all rows. */
  clusters?(options?: Cancellable): AsyncIterable<Cluster>
  /** How many bytes of raw all dead letters have together, also those that were discarded; where the store can tell. */
  deadLetterBytes?(options?: Cancellable): Promise<number>
  /** Looks for damage inside: what can't be read, and indexes that don't agree with the rows. In bounded memory. */
  check?(options?: Cancellable): AsyncIterable<Damage>
}

/** Dead letters that share one fault. */
export interface Cluster {
  readonly cluster: string
  /** How many there are, counted to 10,000 and no further. */
  readonly count: number
  /** Those that were received first and last, about. */
  readonly first: Stored
  readonly last: Stored
}

/** `Cluster.count` goes no further. */
export const MOST_COUNTED = 10_000

/** One thing that is wrong inside a store, and the records that it concerns, as far as they are known. */
export interface Damage {
  readonly problem: string
  readonly keys: readonly string[]
}

export type PutOutcome = 'stored' | 'unchanged' | Refusal

export interface StoreAdapter<Config> extends Adapter<Store, Config, Context> {
  openRegistry(config: Config, context: Context): Promise<Registry>
}
