import { TransientError } from '../../errors.ts'
import type { Bell } from '../../lib/bell.ts'
import { createWatermark } from '../../lib/watermark.ts'
import type { Message } from '../queue.ts'
import type { Incoming, Kinesis } from './client.ts'
import type { Outage } from './outage.ts'
import { type Position, SHARD_END } from './position.ts'
import { isNamed } from './translate.ts'

/** Messages that were handed out, as a range of those of their cursor. */
export interface Taken {
  readonly cursor: Cursor
  readonly from: number
  readonly to: number
  readonly messages: readonly Message[]
  readonly bytes: number
}

/** A reader's place in one shard. */
export interface Cursor {
  readonly shard: string
  /** Whether nothing is waiting to be handed out and it is time to ask Kinesis again. */
  readonly isDue: boolean
  /** When it will be, where nothing is waiting. */
  readonly dueAt: number
  readonly bufferedBytes: number
  /** Fetches one page in the background, and rings the bell when it is here. Trouble is told, and tried again later. */
  fetch(): void
  take(room: { readonly items: number; readonly bytes: number }): Taken | undefined
  /** Any order; twice is once. */
  settle(taken: Pick<Taken, 'from' | 'to'>): void
  /** Everything before it was settled. The end of the shard once nothing comes any more. */
  readonly position: Position
  /** Rises whenever the position moves. */
  readonly progress: number
  /** Whether all of a closed shard was handed out. */
  readonly isRead: boolean
  /** Whether everything that was handed out is settled. */
  readonly isIdle: boolean
  /** What is being fetched will not be handed out any more. */
  close(): void
}

export interface CursorOptions {
  readonly kinesis: Pick<Kinesis, 'iterator' | 'records'>
  readonly shard: string
  readonly position: Position
  readonly pollMs: number
  readonly bell: Bell
  readonly outage: Outage
  /** Told of what no repetition will mend. */
  readonly fail: (error: unknown) => void
}

/** What one shard gives in a second. */
const PAGE_BYTES = 2 * 1_024 * 1_024
const MAX_RECORDS = 10_000
const BACK_OFF_MS = 100
const MAX_BACK_OFF_MS = 5_000
/** Until it is known how large the records of a shard are. */
const GUESSED_BYTES = 4_096

export function createCursor(options: CursorOptions): Cursor {
  const { kinesis, shard, position: start, pollMs, bell, outage, fail } = options
  const watermark = createWatermark(0)
  /** The sequence numbers at the ends of what was handed out. */
  const ends = new Map<number, string>()
  let buffer: Incoming[] = []
  let bufferedBytes = 0
  let taken = 0
  let settled = start
  let fetched = start
  let iterator: string | undefined
  let averageBytes = GUESSED_BYTES
  let hasEnded = start === SHARD_END
  let isFetching = false
  let isClosed = false
  let failures = 0
  let dueAt = 0

  async function fetchPage(): Promise<void> {
    iterator ??= await kinesis.iterator(shard, fetched)
    const count = Math.max(1, Math.min(MAX_RECORDS, Math.floor(PAGE_BYTES / averageBytes)))
    const { records, next } = await kinesis.records(iterator, count)
    if (isClosed) return
    iterator = next
    hasEnded = next === undefined
    buffer = [...records]
    bufferedBytes = records.reduce((sum, { body }) => sum + body.length, 0)
    fetched = records.at(-1)?.sequence ?? fetched
    if (records.length > 0) averageBytes = Math.max(1, bufferedBytes / records.length)
  }

  /** Whatever it is, the next iterator begins behind what is here. */
  function failed(error: unknown): void {
    if (isClosed) return
    iterator = undefined
    const now = performance.now()
    if (isNamed(error, 'ExpiredIteratorException')) {
      dueAt = now
    } else if (isNamed(error, 'ProvisionedThroughputExceededException')) {
      dueAt = now + pollMs + Math.random() * 1_000
    } else if (error instanceof TransientError || isNamed(error, 'ResourceNotFoundException')) {
      // A shard may have gone with its last record; whether the stream has, others find out.
      dueAt = now + Math.random() * Math.min(MAX_BACK_OFF_MS, BACK_OFF_MS * 2 ** failures++)
      outage.began(cursor, error)
    } else {
      fail(error)
    }
  }

  async function fetch(): Promise<void> {
    dueAt = performance.now() + pollMs
    try {
      await fetchPage()
      failures = 0
      outage.ended(cursor)
    } catch (error) {
      failed(error)
    }
  }

  const isSettled = (): boolean => watermark.value === taken
  const isRead = (): boolean => hasEnded && buffer.length === 0
  const isFinished = (): boolean => isRead() && isSettled()

  const cursor: Cursor = {
    shard,
    get isDue() {
      return !isFetching && !isClosed && !hasEnded && buffer.length === 0 && performance.now() >= dueAt
    },
    get dueAt() {
      return isFetching || isClosed || hasEnded ? Number.POSITIVE_INFINITY : dueAt
    },
    get bufferedBytes() {
      return isFetching ? PAGE_BYTES : bufferedBytes
    },
    fetch() {
      isFetching = true
      void fetch().finally(() => {
        isFetching = false
        bell.ring()
      })
    },
    take(room) {
      if (isClosed || buffer.length === 0 || room.items <= 0 || room.bytes <= 0) return undefined
      let bytes = 0
      let count = 0
      while (count < Math.min(room.items, buffer.length) && bytes < room.bytes)
        bytes += buffer[count++]?.body.length ?? 0
      const records = buffer.slice(0, count)
      buffer = buffer.slice(count)
      bufferedBytes -= bytes
      const from = taken
      taken += count
      ends.set(taken, records.at(-1)?.sequence ?? fetched)
      return { cursor, from, to: taken, bytes, messages: records.map(({ key, body }) => ({ key, body })) }
    },
    settle({ from, to }) {
      watermark.settle(from, to)
      for (const [end, sequence] of ends) {
        if (end > watermark.value) break
        settled = sequence
        ends.delete(end)
      }
    },
    get position() {
      return isFinished() ? SHARD_END : settled
    },
    get progress() {
      return watermark.value + (isFinished() ? 1 : 0)
    },
    get isRead() {
      return isRead()
    },
    get isIdle() {
      return isSettled()
    },
    close() {
      isClosed = true
      // What goes unread must not look like the end.
      hasEnded &&= buffer.length === 0
      buffer = []
      outage.ended(cursor)
    },
  }
  return cursor
}
