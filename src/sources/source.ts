import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Adapter, Context } from '../adapter.ts'
import type { Batch } from '../batch.ts'
import type { Provider } from '../review/provider.ts'
import type { Received, Split } from '../review/received.ts'
import type { Registry } from '../stores/registry.ts'

/**
 * Where reviews come from. Acknowledging a batch is what moves the source on: a poller saves its cursor, a file its
 * offset, a webhook answers with the outcomes.
 *
 * `read` ends when the source has ended (a file) or the signal aborts; neither throws. It is called once.
 */
export interface Source extends AsyncDisposable {
  read(options: { readonly signal: AbortSignal }): AsyncIterable<Batch<Received>>
  /** How far a source that ends has come, for a person to look at. */
  progress?(): Progress
  /** How a source that polls keeps up with its provider, for the metrics; asked now and then, and never while it works. */
  polling?(): Polling
}

/** What a process knows of the products that it polls itself, not of those that others poll under the same source. */
export interface Polling {
  /** Requests for pages since the start, and versions of reviews that they were the first to show. */
  readonly calls: number
  readonly fresh: number
  /** How many products the source has, and how many of them this process polls. */
  readonly products: number
  readonly held: number
  /** How many reviews there are, as the provider says; undefined where it says nothing of any product. */
  readonly told: number | undefined
  /** How many the last poll of each product showed. */
  readonly fetched: number
  /** How many there are that it did not show; undefined as `told`. */
  readonly missing: number | undefined
  /**
   * How long ago the last poll began that came to its end; since the start, for a product without one. Half of the products
   * were polled within `p50`, and 95 % within `p95`. Undefined where it polls none.
   */
  readonly stalenessMs: Percentiles | undefined
  /**
   * How long the latest new reviews of each product may have waited until they were found: from the beginning of the poll before
   * to that of the one that showed them. Over the products of which a poll but the first found any; undefined where there is none.
   */
  readonly discoveryMs: Percentiles | undefined
}

/** Half of all values are at most `p50`, and 95 % at most `p95`. */
export interface Percentiles {
  readonly p50: number
  readonly p95: number
}

/** How the provider of a source is left alone, by its own wish or because it fails. */
export interface Throttled {
  /** Until when, in milliseconds since 1970; it may be over. */
  readonly until: number
  /** Whether it is left alone because it failed again and again. */
  readonly isOpen: boolean
  /** Whether it said that a quota is used up. */
  readonly isQuota: boolean
}

/**
 * What decides when a source that polls asks its provider next: it is under way or due (`now`), as the config or the plan says,
 * the budget, the provider that is left alone, the products that are not loaded yet, or an operator who has paused it.
 */
export const NEXT_POLLS = ['now', 'planned', 'budget', 'provider', 'loading', 'paused'] as const

/** When a source that polls asks its provider next, at the earliest, whichever process it is that asks. */
export interface NextPoll {
  readonly state: (typeof NEXT_POLLS)[number]
  /** In milliseconds since 1970, and never past; undefined where it is `loading` or `paused`. */
  readonly at?: number
}

export interface Progress {
  readonly done: number
  readonly total?: number
  readonly unit: 'bytes' | 'items'
}

export interface SourceContext extends Context {
  /** Unique in the config; names the checkpoints. */
  readonly name: string
  readonly origin: string
  /** The number of this start of the process, for what is written into checkpoints. */
  readonly run: string
  /** Cuts a JSON document into reviews as the source's preset says. */
  readonly split: Split
  /** What else the source's preset knows of its provider. */
  readonly provider: Provider
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /**
   * Tells of an error that the source tries to get over by itself, and with `undefined` that it has: until then it is failing
   * in /health/sources, in the metrics and for the alerts. To be told again and again does no harm; nothing is logged.
   */
  readonly trouble: (error: unknown) => void
  /** So many items came that were handed over before, and are not again: they count as received and unchanged. */
  readonly repeated: (items: number) => void
  /** What operators want of it; absent where there are none. */
  readonly permit?: Permit
  /** Checkpoints. A source that needs none never touches it. */
  readonly registry: Registry
  /** Of the listener that may face the internet; added while opening, before it listens. */
  readonly http: Paths
  /** Whether that listener is reachable from this machine only. */
  readonly httpIsLoopback: boolean
  /** The standard input of the process, where a source may read it. */
  readonly stdin?: Readable
}

/** What operators want of a source now. It is looked at before anything is asked for or taken. */
export interface Permit {
  /** Nothing more is to be asked for or taken; what is in hand is finished. */
  readonly isPaused: boolean
  /** Since when a poll is wanted that has begun later, in milliseconds since 1970; undefined where none is. */
  readonly pollAt: number | undefined
  /** Resolves at the next change, or when the signal aborts. Never rejects. */
  changed(signal: AbortSignal): Promise<void>
}

/** What a listener hears of. */
export interface Paths {
  /** From now on this one takes all requests for a path, as it is written; false where another has it. */
  add(path: string, take: Take): boolean
}

/** Answers a request. Never throws. */
export type Take = (request: IncomingMessage, response: ServerResponse) => void

export type SourceAdapter<Config> = Adapter<Source, Config, SourceContext>
