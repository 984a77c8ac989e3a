import type { Channel, ConsumeMessage } from 'amqplib'
import { createWatermark } from '../../lib/watermark.ts'
import type { Link } from './connect.ts'

/** What the client reads from the connection at a time is 64 KiB: many messages, or a part of one. */
const LARGE_BYTES = 16 * 1024

/** One queue as one reader reads it, on a channel of its own. Once it is closed, what was not acknowledged comes again. */
export interface Tap {
  /** Whether this reader is the one whom the broker gives messages of this queue. */
  readonly isActive: boolean
  /** Messages that the broker gave and nobody has taken yet. */
  readonly waiting: number
  /** Messages that were taken and are not acknowledged. */
  readonly held: number
  /** Whether the broker gives no more before something is acknowledged. */
  readonly isFull: boolean
  take(atMost: number): Taken | undefined
  /**
   * Acknowledges, and resolves when the broker has read it. Where the channel was lost there is nothing to acknowledge: these
   * messages come again.
   */
  settle(taken: Taken): Promise<void>
  /** Resolves when all has arrived that the broker had given before, or the channel is lost. */
  sync(): Promise<void>
  close(): Promise<void>
  /** Resolves when it is closed, with the reason where nobody here wanted that. */
  readonly closed: Promise<unknown>
}

/** Deliveries `from` up to but not including `to`, which the broker numbers for each channel. */
export interface Taken {
  readonly tap: Tap
  readonly from: number
  readonly to: number
  readonly messages: readonly ConsumeMessage[]
}

export interface TapOptions {
  readonly prefetch: number
  /** Names the queue, making it where it is the reader's own. */
  readonly queue: (channel: Channel) => Promise<string>
  /** Called when there is something to take, or the tap is closed. */
  readonly wake: () => void
}

export async function openTap(link: Link, { prefetch, queue, wake }: TapOptions): Promise<Tap> {
  const channel = await link.createChannel()
  const closed = Promise.withResolvers<unknown>()
  const acknowledged = createWatermark(1)
  const waiting: ConsumeMessage[] = []
  let isOpen = true
  let isWanted = true
  let isActive = false
  let held = 0
  let next = 1
  let reason: unknown

  channel.on('error', (error) => (reason = error))
  channel.on('close', () => {
    isOpen = false
    waiting.length = 0
    held = 0
    if (isWanted) reason ??= link.lost.reason ?? new Error('the broker ended the consumer')
    closed.resolve(reason)
    wake()
  })

  function end(): void {
    channel.close().catch(() => {}) // it is closed already
  }

  function deliver(message: ConsumeMessage | null): void {
    if (message === null) return end() // the queue is gone
    isActive = true
    // A large body is a part of the two reads that it came in, and would keep them both.
    if (message.content.length > LARGE_BYTES) message.content = Buffer.from(message.content)
    waiting.push(message)
    wake()
  }

  function acknowledge({ from, to }: Taken): void {
    if (from === acknowledged.value) channel.ack(upTo(to - 1), true)
    else for (let tag = from; tag < to; tag++) channel.ack(upTo(tag))
    acknowledged.settle(from, to)
    held -= to - from
  }

  try {
    const name = await queue(channel)
    await channel.prefetch(prefetch)
    await channel.consume(name, deliver)
  } catch (error) {
    end()
    throw error
  }

  const tap: Tap = {
    get isActive() {
      return isActive
    },
    get waiting() {
      return waiting.length
    },
    get held() {
      return held
    },
    get isFull() {
      return held + waiting.length >= prefetch
    },
    take(atMost) {
      const messages = waiting.splice(0, atMost)
      if (messages.length === 0) return undefined
      const from = next
      next += messages.length
      held += messages.length
      return { tap, from, to: next, messages }
    },
    async settle(taken) {
      if (!isOpen) return
      try {
        acknowledge(taken)
      } catch {
        return // the channel is about to be lost
      }
      await tap.sync() // an acknowledgement has no answer; what is asked behind it has
    },
    async sync() {
      // Sets the limit to what it is: the smallest question that a channel answers.
      await channel.prefetch(prefetch).catch(() => {})
    },
    async close() {
      isWanted = false
      if (isOpen) end()
      await closed.promise
    },
    closed: closed.promise,
  }
  return tap
}

/** As much of a message as an acknowledgement needs. */
const upTo = (deliveryTag: number): ConsumeMessage => ({ fields: { deliveryTag } }) as ConsumeMessage
