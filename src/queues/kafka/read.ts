import type { Batch } from '../../batch.ts'
import type { Bell } from '../../lib/bell.ts'
import { untilDone } from '../../lib/until-done.ts'
import type { Message, ReadOptions } from '../queue.ts'
import { roomIn } from '../room.ts'
import type { Holding } from './holding.ts'
import type { Taken } from './tenure.ts'

export interface Reading {
  readonly holding: Holding
  /** Rings when something has arrived. */
  readonly bell: Bell
  /** Aborts when the queue is disposed. */
  readonly closing: AbortSignal
}

const BATCH_BYTES = 2 * 1024 * 1024
const LOOK_MS = 1_000

/** Hands over batches until the signal aborts or the queue is disposed, and waits where there is nothing to read. */
export async function* readBatches(
  { holding, bell, closing }: Reading,
  { signal, maxItems = 500, lingerMs = 0 }: ReadOptions,
): AsyncGenerator<Batch<Message>, void, undefined> {
  const stop = AbortSignal.any([signal, closing])
  const most = { items: maxItems, bytes: BATCH_BYTES }

  async function fill(takings: Taken[]): Promise<void> {
    const until = performance.now() + lingerMs
    for (let leftMs = lingerMs; leftMs > 0 && !stop.aborted; leftMs = until - performance.now()) {
      const room = roomIn(takings, most)
      if (room.items <= 0 || room.bytes <= 0) return
      const more = holding.take(room)
      takings.push(...more)
      if (more.length === 0) await bell.wait(stop, leftMs)
    }
  }

  if (stop.aborted) return
  holding.enter()
  try {
    while (!stop.aborted) {
      const takings = [...holding.take(most)]
      if (takings.length === 0) {
        await bell.wait(stop, LOOK_MS)
      } else {
        await fill(takings)
        yield toBatch(holding, takings)
      }
    }
  } finally {
    holding.leave()
  }
}

function toBatch(holding: Holding, takings: readonly Taken[]): Batch<Message> {
  return {
    items: takings.flatMap(({ messages }) => messages),
    ack: untilDone(() => holding.acknowledge(takings)),
  }
}
