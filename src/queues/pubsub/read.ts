import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../adapter.ts'
import type { Batch } from '../../batch.ts'
import { TransientError } from '../../errors.ts'
import { untilDone } from '../../lib/until-done.ts'
import type { Message, ReadOptions } from '../queue.ts'
import type { Delivered, Held, Leases } from './lease.ts'
import { createPrefetch, type Flow, type Prefetch } from './prefetch.ts'

export interface Subscriber {
  /** Makes what is to be pulled from, at the beginning and after trouble. */
  readonly prepare: (signal: AbortSignal) => Promise<void>
  /** Waits for a first message and answers with those that are there; may answer with none. */
  readonly pull: (maxMessages: number, signal: AbortSignal) => Promise<readonly Delivered[]>
  readonly leases: Leases
  readonly logger: Logger
  readonly flow: Flow
}

export interface ReadParts extends Pick<ReadOptions, 'maxItems' | 'lingerMs'> {
  readonly stop: AbortSignal
  /** Told of the work that ends only after the reader. */
  readonly track: (work: Promise<void>) => void
}

const MAX_ITEMS = 1_000
const BACKOFF = { baseMs: 100, maxMs: 5_000 }
/** When a reader ends, its last request is waited for so long: what it brings later is nobody's until its time is over. */
const LAST_PULL_MS = 200

/** Batches until `stop` aborts. What was not handed over by then is given back. */
export async function* readBatches(
  subscriber: Subscriber,
  { stop, track, maxItems = MAX_ITEMS, lingerMs = 0 }: ReadParts,
): AsyncGenerator<Batch<Message>, void, undefined> {
  const { flow, leases } = subscriber
  const prefetch = createPrefetch({ ...flow, maxMessages: Math.max(maxItems, flow.maxMessages) })
  const ended = new AbortController()
  const end = (): void => {
    ended.abort()
    prefetch.wake()
  }
  stop.addEventListener('abort', end)
  track(fill(subscriber, prefetch, ended.signal))
  try {
    while (!stop.aborted) {
      if (prefetch.size === 0) {
        await prefetch.changed()
        continue
      }
      await linger(prefetch, maxItems, lingerMs, stop)
      if (stop.aborted) break
      // What has been delivered anew meanwhile is further back.
      const held = prefetch.take(maxItems).filter(({ state }) => state === 'held')
      if (held.length > 0) yield batchOf(held, leases)
    }
  } finally {
    stop.removeEventListener('abort', end)
    end()
  }
}

/** Lets a batch fill for a while. */
async function linger(
  prefetch: Prefetch,
  maxItems: number,
  lingerMs: number,
  stop: AbortSignal,
): Promise<void> {
  if (lingerMs === 0) return
  let isOver = false
  const timer = setTimeout(() => {
    isOver = true
    prefetch.wake()
  }, lingerMs)
  while (!isOver && !stop.aborted && prefetch.size < maxItems && prefetch.room > 0) await prefetch.changed()
  clearTimeout(timer)
}

/** One request at a time, so that no answer overtakes another of the same key. */
async function fill(subscriber: Subscriber, prefetch: Prefetch, ended: AbortSignal): Promise<void> {
  const { prepare, pull, leases, logger } = subscriber
  let isReady = false
  let failures = 0
  while (!ended.aborted) {
    if (prefetch.room === 0) {
      await prefetch.changed()
      continue
    }
    try {
      if (!isReady) await prepare(ended)
      isReady = true
      const delivered = await soonAfter(ended, (signal) => pull(prefetch.room, signal))
      if (failures > 0) logger.info({ failures }, 'reading goes on')
      failures = 0
      prefetch.put(leases.take(delivered))
    } catch (error) {
      if (ended.aborted) break
      const level = error instanceof TransientError ? 'warn' : 'error'
      if (failures === 0) logger[level]({ err: error }, 'reading stopped; it is tried again')
      failures++
      isReady = false
      const waitMs = Math.random() * Math.min(BACKOFF.maxMs, BACKOFF.baseMs * 2 ** failures)
      await sleep(waitMs, undefined, { signal: ended }).catch(() => {})
    }
  }
  await leases.release(prefetch.take(prefetch.size))
}

/** Aborts the work a little after `ended` aborts. */
async function soonAfter<T>(ended: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onEnd = (): void => {
    timer = setTimeout(() => late.abort(), LAST_PULL_MS)
  }
  ended.addEventListener('abort', onEnd)
  try {
    return await work(late.signal)
  } finally {
    ended.removeEventListener('abort', onEnd)
    clearTimeout(timer)
  }
}

function batchOf(held: readonly Held[], leases: Leases): Batch<Message> {
  return {
    items: held.map(({ message }) => message),
    ack: untilDone(() => leases.settle(held)),
  }
}
