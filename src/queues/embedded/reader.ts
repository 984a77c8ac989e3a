import type { Batch } from '../../batch.ts'
import { untilDone } from '../../lib/until-done.ts'
import type { Message, ReadOptions } from '../queue.ts'
import { isFull, roomIn } from '../room.ts'
import type { Bell } from '../../lib/bell.ts'
import type { Held, Taken } from './held.ts'
import type { Log } from './log.ts'
import type { Topic } from './topic.ts'

/** The partitions that a reader may read from, which others may change at any time. */
export interface Holding {
  /** Called before the first batch, and once after the last for each such call. */
  join(): Promise<void>
  leave(): void
  /** Looks whether there is something to do about the others. Throws what ended this holding. */
  check(topic: Topic): void
  /** The partitions to read from now. */
  held(): readonly Held[]
  acknowledge(takings: readonly Taken[]): Promise<void>
}

/** A log, and the partitions of it that a reader has. */
export interface Stream {
  readonly log: Log
  readonly holding: Holding
}

export interface Reading {
  /** What to read from now; more may come to it, and what is there stays. */
  readonly streams: () => readonly Stream[]
  readonly bell: Bell
  /** Aborts when the queue is disposed. */
  readonly closing: AbortSignal
}

/** What other processes publish is noticed after so long at the latest. */
const POLL_MS = 50
const BATCH_BYTES = 2 * 1024 * 1024

/** Hands over batches until the signal aborts or the queue is disposed, and waits where there is nothing to read. */
export async function* readBatches(
  { streams, bell, closing }: Reading,
  { signal, maxItems = 500, lingerMs = 0 }: ReadOptions,
): AsyncGenerator<Batch<Message>, void, undefined> {
  const stop = AbortSignal.any([signal, closing])
  const most = { items: maxItems, bytes: BATCH_BYTES }
  const joined: Stream[] = []
  let turn = 0

  async function join(): Promise<void> {
    for (const stream of streams()) {
      if (joined.includes(stream)) continue
      joined.push(stream)
      await stream.holding.join()
    }
  }

  function gather(takings: Taking[]): void {
    turn++
    for (const stream of joined) if (!isFull(takings, most)) gatherFrom(stream, takings)
  }

  function gatherFrom({ log, holding }: Stream, takings: Taking[]): void {
    const topic = log.state()
    holding.check(topic)
    const held = holding.held()
    for (let n = 0; n < held.length; n++) {
      const taken = held[(turn + n) % held.length]?.take(topic, roomIn(takings, most))
      if (taken) takings.push({ ...taken, holding })
      if (isFull(takings, most)) return
    }
  }

  async function fill(takings: Taking[]): Promise<void> {
    const until = performance.now() + lingerMs
    for (let leftMs = lingerMs; leftMs > 0 && !stop.aborted; leftMs = until - performance.now()) {
      if (isFull(takings, most)) return
      await bell.wait(stop, Math.min(POLL_MS, leftMs))
      gather(takings)
    }
  }

  if (stop.aborted) return
  try {
    while (!stop.aborted) {
      await join()
      const takings: Taking[] = []
      gather(takings)
      if (takings.length === 0) {
        await bell.wait(stop, POLL_MS)
      } else {
        await fill(takings)
        yield toBatch(takings)
      }
    }
  } finally {
    for (const { holding } of joined) holding.leave()
  }
}

/** What was taken, and from where. */
interface Taking extends Taken {
  readonly holding: Holding
}

function toBatch(takings: readonly Taking[]): Batch<Message> {
  async function acknowledge(): Promise<void> {
    for (const [holding, some] of Map.groupBy(takings, (taking) => taking.holding))
      await holding.acknowledge(some)
  }

  return {
    items: takings.flatMap(({ messages }) => messages),
    ack: untilDone(acknowledge),
  }
}
