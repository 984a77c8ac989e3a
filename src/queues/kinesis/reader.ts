import type { Batch } from '../../batch.ts'
import type { Bell } from '../../lib/bell.ts'
import { untilDone } from '../../lib/until-done.ts'
import type { Message, ReadOptions } from '../queue.ts'
import { isFull, roomIn } from '../room.ts'
import type { Cursor, Taken } from './cursor.ts'

/** The shards that a reader may read from, which others may change at any time. */
export interface Holding {
  /** Called before the first batch, and once after the last for each such call. What it brings comes by and by. */
  join(): void
  leave(): void
  /** Looks whether there is something to do about the shards. Throws what ended this holding. */
  check(): void
  /** The shards to read from now. */
  cursors(): readonly Cursor[]
  acknowledge(takings: readonly Taken[]): Promise<void>
}

export interface Reading {
  readonly holding: Holding
  readonly bell: Bell
  /** Aborts when the queue is disposed. */
  readonly closing: AbortSignal
}

/** Something else than a page may have come. */
const LOOK_MS = 250
const BATCH_BYTES = 4 * 1_024 * 1_024
/** What is fetched ahead, of all shards together. */
const BUFFER_BYTES = 16 * 1_024 * 1_024

/** Hands over batches until the signal aborts or the queue is disposed, and waits where there is nothing to read. */
export async function* readBatches(
  { holding, bell, closing }: Reading,
  { signal, maxItems = 500, lingerMs = 0 }: ReadOptions,
): AsyncGenerator<Batch<Message>, void, undefined> {
  const stop = AbortSignal.any([signal, closing])
  const most = { items: maxItems, bytes: BATCH_BYTES }
  let turn = 0

  function gather(takings: Taken[]): void {
    holding.check()
    const cursors = holding.cursors()
    turn++
    for (let n = 0; n < cursors.length; n++) {
      const taken = cursors[(turn + n) % cursors.length]?.take(roomIn(takings, most))
      if (taken) takings.push(taken)
    }
    fetchDue(cursors, turn)
  }

  function wait(limitMs: number): Promise<void> {
    const now = performance.now()
    const dueMs = holding.cursors().map(({ dueAt }) => dueAt - now)
    return bell.wait(stop, Math.max(1, Math.min(limitMs, ...dueMs.filter((ms) => ms > 0))))
  }

  async function fill(takings: Taken[]): Promise<void> {
    const until = performance.now() + lingerMs
    for (let leftMs = lingerMs; leftMs > 0 && !stop.aborted; leftMs = until - performance.now()) {
      if (isFull(takings, most)) return
      await wait(leftMs)
      gather(takings)
    }
  }

  if (stop.aborted) return
  try {
    holding.join()
    while (!stop.aborted) {
      const takings: Taken[] = []
      gather(takings)
      if (takings.length === 0) {
        await wait(LOOK_MS)
      } else {
        await fill(takings)
        yield toBatch(takings, holding)
      }
    }
  } finally {
    holding.leave()
  }
}

/** Asks for the next pages of those that have handed out all they had, as far as there is room for what comes. */
function fetchDue(cursors: readonly Cursor[], first: number): void {
  for (let n = 0; n < cursors.length; n++) {
    const cursor = cursors[(first + n) % cursors.length]
    if (!cursor?.isDue) continue
    if (cursors.reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0) >= BUFFER_BYTES) return
    cursor.fetch()
  }
}

function toBatch(takings: readonly Taken[], holding: Holding): Batch<Message> {
  return {
    items: takings.flatMap(({ messages }) => messages),
    ack: untilDone(() => holding.acknowledge(takings)),
  }
}
