import { setTimeout as sleep } from 'node:timers/promises'
import { TransientError } from '../../errors.ts'
import type { Book } from './book.ts'
import type { Incoming, Kinesis, Limits } from './client.ts'
import type { Outbox } from './outbox.ts'
import { hasPassed, isBefore, type Position, SHARD_END, TRIM_HORIZON } from './position.ts'
import { readable } from './share.ts'

export interface LagOptions {
  readonly kinesis: Pick<Kinesis, 'shards' | 'iterator' | 'records'>
  readonly book: Book
  readonly pollMs: number
}

/** Kinesis allows five reads a second of a shard, and readers want most of them. */
const READS_APART = 4

/**
 * How long the oldest message that a group has not acknowledged has been in the stream; where Kinesis has not come to it
 * yet, how far it is behind.
 */
export async function behindMs(options: LagOptions, group: string, limits: Limits): Promise<number> {
  const { kinesis, book } = options
  const { leases } = await book.read(group, limits.signal ? { signal: limits.signal } : {})
  const shards = readable(await kinesis.shards(limits), (shard) => leases.get(shard)?.checkpoint)
  const ages = shards.map(async (shard) => {
    const checkpoint = leases.get(shard)?.checkpoint ?? TRIM_HORIZON
    const { record, behindMs } = await peek(kinesis, shard, checkpoint, limits)
    return record ? Math.max(1, Date.now() - record.arrivedAt) : behindMs
  })
  return Math.max(0, ...(await Promise.all(ages)))
}

/** The record that comes next, where there is one. */
async function peek(
  kinesis: Pick<Kinesis, 'iterator' | 'records'>,
  shard: string,
  after: Position,
  limits: Limits,
): Promise<{ readonly record: Incoming | undefined; readonly behindMs: number }> {
  const iterator = await kinesis.iterator(shard, after, limits)
  const { records, behindMs, next } = await kinesis.records(iterator, 1, limits)
  // Of a closed shard it tells how long ago it was closed.
  return { record: records[0], behindMs: next === undefined ? 0 : behindMs }
}

/** What a group must have passed in one shard. */
interface Mark {
  readonly shard: string
  readonly isClosed: boolean
  /** The newest record of this process before the call. */
  readonly own: string | undefined
  /** The first record that is known to have come after it. */
  beyond: string | undefined
  /** Shows what comes after it, of others as well. */
  iterator: string | undefined
}

/**
 * Resolves once a group has passed all that was in the stream, and all that the outbox had sent before the call; or the
 * signal aborts.
 */
export async function caughtUp(
  options: LagOptions & { readonly outbox: Outbox },
  group: string,
  signal: AbortSignal,
): Promise<void> {
  const { kinesis, book, pollMs, outbox } = options
  const own = new Map(outbox.newest)
  const later = new Map<string, string>()
  using _ = outbox.onConfirmed((shard, sequence) => {
    if (!later.has(shard)) later.set(shard, sequence)
  })
  let marks: Mark[] | undefined

  async function begin(): Promise<Mark[]> {
    const shards = await kinesis.shards({ signal })
    return shards.map(({ id: shard, isClosed }) => {
      return { shard, isClosed, own: own.get(shard), beyond: undefined, iterator: undefined }
    })
  }

  /** Looks for the first record that came after the call; that of another process a little later does as well. */
  async function lookBeyond(mark: Mark): Promise<void> {
    mark.beyond = earlier(mark.beyond, later.get(mark.shard))
    if (mark.beyond !== undefined || mark.isClosed) return
    mark.iterator ??= await kinesis.iterator(mark.shard, 'LATEST', { signal })
    const page = await kinesis.records(mark.iterator, 1, { signal })
    mark.beyond = page.records[0]?.sequence
    mark.iterator = page.next
  }

  async function isPassed(mark: Mark): Promise<boolean> {
    await lookBeyond(mark)
    const { checkpoint } = await book.lease(group, mark.shard, { signal })
    if (checkpoint === SHARD_END) return true
    if (mark.beyond !== undefined && hasPassed(checkpoint, mark.beyond)) return true
    if (mark.own !== undefined && !hasPassed(checkpoint, mark.own)) return false
    const { record, behindMs } = await peek(kinesis, mark.shard, checkpoint, { signal })
    if (!record) return behindMs === 0
    return mark.beyond !== undefined && !isBefore(record.sequence, mark.beyond)
  }

  while (!signal.aborted) {
    try {
      marks ??= await begin()
      const passed = await Promise.all(marks.map(isPassed))
      marks = marks.filter((_, n) => !passed[n])
      if (marks.length === 0) return
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof TransientError)) throw error
      // An iterator lives for five minutes.
      for (const mark of marks ?? []) mark.iterator = undefined
    }
    await sleep(pollMs * READS_APART, undefined, { signal }).catch(() => {})
  }
}

function earlier(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return isBefore(one, other) ? one : other
}
