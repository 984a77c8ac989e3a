import { createWatermark } from '../../lib/watermark.ts'
import type { Message } from '../queue.ts'
import type { Enough, Log } from './log.ts'
import { partitionAt, type Topic } from './topic.ts'

/** A partition in the hands of one reader: what it was given, and what of that is acknowledged. */
export interface Held {
  readonly partition: number
  /** Everything before this message is acknowledged. */
  readonly acknowledged: number
  /** As much of that is on disk, or was deleted there. */
  saved: number
  /** Nothing more is taken from it, since somebody else shall have it. */
  draining: boolean
  /** Whether everything that was taken is acknowledged, on disk. */
  isIdle(): boolean
  /** The next messages, undefined where there is none yet. Keeps at most the rest of a block in memory. */
  take(topic: Topic, atMost: Enough): Taken | undefined
  settle(taken: Taken): void
}

/** Messages `from` up to but not including `to`. */
export interface Taken {
  readonly held: Held
  readonly from: number
  readonly to: number
  readonly messages: readonly Message[]
  readonly bytes: number
}

/** Takes up a partition at `cursor`. `onLost` hears how many messages were deleted before this reader came to them. */
export function createHeld(
  log: Log,
  partition: number,
  cursor: number,
  onLost: (count: number) => void,
): Held {
  let watermark = createWatermark(cursor)
  let next = cursor
  let block: readonly Message[] = []
  let blockAt = 0

  function load(topic: Topic, enough: Enough): void {
    const { oldest, next: end } = partitionAt(topic, partition)
    if (next < oldest) {
      onLost(oldest - next)
      next = oldest
      watermark = createWatermark(oldest)
      // The cursor on disk may stay behind: whoever takes it up begins at the oldest as well.
      held.saved = oldest
    }
    block = next < end ? log.read(partition, next, enough) : []
    blockAt = 0
  }

  const held: Held = {
    partition,
    saved: cursor,
    draining: false,
    get acknowledged() {
      return watermark.value
    },
    isIdle: () => watermark.value === next && held.saved === next,
    take(topic, atMost) {
      if (blockAt === block.length) load(topic, atMost)
      if (block.length === 0) return undefined
      const { messages, bytes } = cut(block, blockAt, atMost)
      const from = next
      next += messages.length
      blockAt += messages.length
      return { held, from, to: next, messages, bytes }
    },
    settle({ from, to }) {
      watermark.settle(from, to)
    },
  }
  return held
}

/** As many messages as fit, and one at least. */
function cut(block: readonly Message[], from: number, atMost: Enough) {
  let to = from
  let bytes = 0
  do {
    bytes += block[to]?.body.length ?? 0
    to++
  } while (to < block.length && to - from < atMost.items && bytes < atMost.bytes)
  return { messages: block.slice(from, to), bytes }
}
