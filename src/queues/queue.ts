import type { Adapter, Context } from '../adapter.ts'
import type { Batch, Cancellable, Rejection } from '../batch.ts'
import type { Registry } from '../stores/registry.ts'

/** What travels: opaque bytes. `key` decides ordering: same key, same order. Headers travel where the broker has them. */
export interface Message {
  readonly key: string
  readonly body: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export interface ReadOptions {
  /**
   * Every group sees every message; the readers of one group share them. A new group starts at the oldest kept message.
   * Without a group the reader is alone, sees everything that is kept, and leaves nothing behind.
   */
  readonly group?: string
  /** Aborting ends the iteration; it does not throw. */
  readonly signal: AbortSignal
  readonly maxItems?: number
  /** How long to wait for a batch to fill once it holds one message. */
  readonly lingerMs?: number
}

/**
 * A durable, at-least-once queue of one topic, already connected.
 *
 * - `publish` resolves when the messages are durable; it throws a `TransientError` when their fate is unknown, and the
 *   caller may publish the same messages again. The returned rejections are final; every other message was taken.
 * - `read` delivers each message to one reader of a group at a time. What is not acknowledged when the queue is disposed
 *   comes back.
 */
export interface Queue extends AsyncDisposable {
  readonly maxMessageBytes: number
  publish(messages: readonly Message[], options?: Cancellable): Promise<readonly Rejection[]>
  read(options: ReadOptions): AsyncIterable<Batch<Message>>
  /** Resolves where the broker answers and knows the topic; throws why not. */
  check(options?: Cancellable): Promise<void>
  /** Messages that a group has not yet acknowledged, where the broker can tell. */
  backlog?(group: string, options?: Cancellable): Promise<number>
  /** How long the oldest of these messages has been in the queue, where the broker can tell; 0 where there is none. */
  oldestAgeMs?(group: string, options?: Cancellable): Promise<number>
  /**
   * Resolves once a group has acknowledged all that was published before the call, however much comes after it, or the
   * signal aborts; where the broker can tell. Trouble that passes is outlasted.
   */
  caughtUp?(group: string, options: { readonly signal: AbortSignal }): Promise<void>
  /** The groups that there are, where the broker knows them. */
  groups?(options?: Cancellable): Promise<readonly GroupState[]>
  /** Makes a group that begins at the oldest kept message. One that *holds* keeps what it has not read from being deleted. */
  addGroup?(group: string, options: { readonly hold: boolean } & Cancellable): Promise<void>
  /**
   * Forgets a group, and what was published to it alone. False where there is none; throws `CONFLICT` where a reader is at
   * work.
   */
  removeGroup?(group: string, options?: Cancellable): Promise<boolean>
  /** Like `publish`, but only this group sees the messages; where a group has a queue of its own. It must be there. */
  publishTo?(
    group: string,
    messages: readonly Message[],
    options?: Cancellable,
  ): Promise<readonly Rejection[]>
}

export interface GroupState {
  readonly group: string
  /** Messages that it has not acknowledged, where the broker can tell. */
  readonly backlog?: number
  /** How far it is behind in time, where the broker tells that instead. */
  readonly behindMs?: number
  /** Whether what it has not acknowledged is kept, whatever its age. */
  readonly holds: boolean
  /** How many readers are at work, where the broker can tell. */
  readonly readers?: number
}

export interface QueueContext extends Context {
  readonly topic: string
  /** A registry for what the broker does not remember itself; whoever opens it disposes of it. */
  readonly openRegistry: () => Promise<Registry>
}

/**
 * Opens one topic. Opening makes sure that the group `storage` exists, so that nothing is published before it. Where the
 * topic is not there it throws `TOPIC_MISSING`; `provision` makes it. The embedded queue alone makes what is missing.
 */
export type QueueAdapter<Config> = Adapter<Queue, Config, QueueContext>
