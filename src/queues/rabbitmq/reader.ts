import type { ConsumeMessage } from 'amqplib'
import type { Batch } from '../../batch.ts'
import type { Message, ReadOptions } from '../queue.ts'
import { fromDelivery } from './message.ts'
import type { Taken } from './tap.ts'
import type { Taps } from './taps.ts'
import type { Bell } from '../../lib/bell.ts'

export interface ReaderOptions {
  readonly taps: Taps
  /** Rings when there may be something to take. */
  readonly bell: Bell
  /** Whether messages are done with as soon as they are handed over: nobody else waits for them. */
  readonly forgets: boolean
  /** Told once that nobody reads any more and nothing is held. */
  readonly onEnd: () => void
  /** Aborts when the queue is disposed. */
  readonly closing: AbortSignal
}

/** What reads all queues of a group, for all loops of this process that read as this group. */
export interface Reader {
  read(options: ReadOptions): AsyncGenerator<Batch<Message>, void, undefined>
}

export function createReader({ taps, bell, forgets, onEnd, closing }: ReaderOptions): Reader {
  const ended = new AbortController()
  const stopped = AbortSignal.any([ended.signal, closing])
  let loops = 0
  let isStarted = false

  function start(): void {
    if (!isStarted) taps.run(stopped)
    isStarted = true
  }

  /** What is held may still be acknowledged, and keeps the queues from other readers: theirs would be later messages. */
  async function endIfIdle(): Promise<void> {
    if (loops > 0 || taps.held() > 0) return
    if (!ended.signal.aborted) {
      ended.abort()
      onEnd()
    }
    await taps.close()
  }

  async function settle(taken: Taken): Promise<void> {
    await taps.settle(taken)
    await endIfIdle()
  }

  /** Waits for more, until nothing more would come. */
  async function fill(
    takings: Taken[],
    maxItems: number,
    lingerMs: number,
    stop: AbortSignal,
  ): Promise<void> {
    const until = performance.now() + lingerMs
    for (let leftMs = lingerMs; leftMs > 0 && !stop.aborted; leftMs = until - performance.now()) {
      const room = maxItems - takings.reduce((sum, { messages }) => sum + messages.length, 0)
      if (room <= 0 || takings.some(({ tap }) => tap.isFull)) return
      await bell.wait(stop, leftMs)
      takings.push(...taps.take(room))
    }
  }

  return {
    async *read({ signal, maxItems = 500, lingerMs = 0 }) {
      const stop = AbortSignal.any([signal, stopped])
      if (stop.aborted) return
      loops++
      start()
      try {
        while (!stop.aborted) {
          const takings = taps.take(maxItems)
          if (takings.length === 0) {
            await bell.wait(stop)
            continue
          }
          await fill(takings, maxItems, lingerMs, stop)
          const joined = join(takings)
          if (forgets) await Promise.all(joined.map(settle))
          yield toBatch(joined, settle)
        }
      } finally {
        loops--
        await endIfIdle()
      }
    },
  }
}

/** What came of a queue bit by bit is acknowledged at once: each acknowledgement is a question to the broker. */
function join(takings: readonly Taken[]): readonly Taken[] {
  const joined: Joined[] = []
  for (const { tap, from, to, messages } of takings) {
    const before = joined.find((each) => each.tap === tap && each.to === from)
    if (before === undefined) joined.push({ tap, from, to, messages: [...messages] })
    else {
      before.to = to
      before.messages.push(...messages)
    }
  }
  return joined
}

interface Joined extends Pick<Taken, 'tap' | 'from'> {
  to: number
  readonly messages: ConsumeMessage[]
}

function toBatch(takings: readonly Taken[], settle: (taken: Taken) => Promise<void>): Batch<Message> {
  let acknowledged: Promise<unknown> | undefined
  return {
    items: takings.flatMap(({ messages }) => messages.map(fromDelivery)),
    async ack() {
      acknowledged ??= Promise.all(takings.map(settle))
      await acknowledged
    },
  }
}
