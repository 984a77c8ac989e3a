import { once } from 'node:events'
import type { ConfirmChannel } from 'amqplib'
import { TransientError } from '../../errors.ts'
import { formatDuration } from '../../lib/units.ts'
import type { Line, Link } from './connect.ts'
import type { Outgoing } from './message.ts'
import { translate } from './translate.ts'
import { abortable, limit } from '../../lib/waiting.ts'

/** How many frames wait to be written; one has up to 128 KiB. */
const FRAMES = 128

export interface Publisher {
  /**
   * Resolves when the broker has confirmed all. The messages of calls made one after the other reach the broker in that order,
   * whoever waits for whom. Throws a `TransientError` where the fate of any is unknown.
   */
  publish(exchange: string, messages: readonly Outgoing[], signal?: AbortSignal): Promise<void>
}

/** A channel on which the broker confirms. */
interface Outlet {
  readonly link: Link
  readonly channel: ConfirmChannel
  /** What is under way; each is told once, why it failed. */
  readonly failing: Set<(error: unknown) => void>
  isOpen: boolean
}

export function createPublisher(line: Line, address: string, timeoutMs: number): Publisher {
  let outlet: Outlet | undefined
  let lastTurn: Promise<void> = Promise.resolve()

  async function openOutlet(): Promise<Outlet> {
    const link = await line.link()
    if (outlet?.isOpen && outlet.link === link) return outlet
    const channel = await link.createConfirmChannel({ highWaterMark: FRAMES })
    const opened: Outlet = { link, channel, failing: new Set(), isOpen: true }
    const failAll = (error: unknown): void => {
      for (const fail of opened.failing) fail(error)
    }
    channel.on('error', failAll)
    channel.on('close', () => {
      opened.isOpen = false
      failAll(new Error('the channel was closed'))
    })
    // The broker confirms what no queue has taken, and hands it back right before.
    channel.on('return', () => failAll(unroutable(address)))
    outlet = opened
    return opened
  }

  async function send(
    { link, channel }: Outlet,
    exchange: string,
    messages: readonly Outgoing[],
    confirmed: (error: unknown) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (link.blocked !== undefined)
      await Promise.race([once(link.model, 'unblocked', { signal }), lost(link)])
    for (const { routingKey, body, options } of messages) {
      signal.throwIfAborted()
      const hasRoom = channel.publish(exchange, routingKey, body, options, confirmed)
      if (!hasRoom) await once(channel, 'drain', { signal })
    }
  }

  /** Aborts the call when its time is over. */
  function late(): Error {
    const blocked = line.current?.blocked
    const why =
      blocked === undefined ? `did not confirm within ${formatDuration(timeoutMs)}` : blockedText(blocked)
    return new TransientError('QUEUE_UNAVAILABLE', `${address} ${why}`)
  }

  return {
    async publish(exchange, messages, signal) {
      signal?.throwIfAborted()
      if (messages.length === 0) return
      const before = lastTurn
      const turn = Promise.withResolvers<void>()
      lastTurn = before.then(() => turn.promise)
      const failed = new AbortController()
      using time = limit(timeoutMs, late, signal)
      const stop = AbortSignal.any([time.signal, failed.signal])
      const confirmed = Promise.withResolvers<void>()
      confirmed.promise.catch(() => {})
      let used: Outlet | undefined
      let missing = messages.length
      const fail = (error: unknown): void => {
        // A channel that ends with its connection does not say why.
        const reason: unknown = used?.link.lost.aborted ? used.link.lost.reason : error
        failed.abort(reason)
        confirmed.reject(reason)
      }
      const onConfirm = (error: unknown): void => {
        if (error) fail(error)
        else if (--missing === 0) confirmed.resolve()
      }
      try {
        await abortable(before, stop)
        used = await abortable(openOutlet(), stop)
        used.failing.add(fail)
        await send(used, exchange, messages, onConfirm, stop)
        turn.resolve()
        await abortable(confirmed.promise, stop)
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        // Nobody knows what becomes of what was sent: the next call begins on a new connection. While the broker blocks
        // publishers that would not help.
        if (time.signal.aborted && used?.link.blocked === undefined) used?.link.destroy()
        throw translate(stop.aborted ? stop.reason : error, address)
      } finally {
        turn.resolve()
        used?.failing.delete(fail)
      }
    },
  }
}

export const blockedText = (reason: string): string => `takes no messages at present: ${reason}`

function unroutable(address: string): TransientError {
  return new TransientError(
    'TOPIC_MISSING',
    `${address}: no queue takes what is published, since the groups' queues are gone: run \`headwater provision\``,
  )
}

function lost({ lost }: Link): Promise<void> {
  return new Promise((resolve) => lost.addEventListener('abort', () => resolve(), { once: true }))
}
