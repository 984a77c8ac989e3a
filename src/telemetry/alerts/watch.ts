import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../adapter.ts'
import type { Vitals } from '../vitals.ts'
import type { Alerts } from './alert.ts'
import { createChannel } from './channel.ts'
import { bodyOf, type ChannelType } from './message.ts'
import { post } from './post.ts'

export interface WatchOptions {
  readonly look: () => Promise<Vitals>
  readonly alerts: Alerts
  readonly notify: readonly { readonly type: ChannelType; readonly url: string }[]
  /** How often to look. */
  readonly everyMs: number
  /** The least time between two messages to one receiver. */
  readonly pauseMs: number
  /** What still fires is told again after so long. */
  readonly repeatMs: number
  /** The machine that speaks. */
  readonly from: string
  readonly clock: () => number
  readonly steady: () => number
  /** Ends the watch. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** Nobody waits longer for receivers at the end. */
const LAST_WORDS_MS = 2_000

/**
 * Looks again and again until the signal aborts, logs what fires and what ends, and tells the receivers. Resolves when the
 * receivers have been told that nobody watches any longer, or were too slow for it. Never rejects.
 */
export async function watchAlerts(options: WatchOptions): Promise<void> {
  const { look, alerts, notify, everyMs, from, clock, signal, logger } = options
  const giveUp = new AbortController()
  const channels = notify.map(({ type, url }, n) =>
    createChannel({
      ...options,
      name: `alerts.notify[${n}] (${type})`,
      send: (news) => post(url, bodyOf(type, { ...news, from, at: clock() }), giveUp.signal),
    }),
  )

  async function turn(): Promise<void> {
    const vitals = await look()
    if (signal.aborted) return // what stops looks as if it had come to its end
    const { fired, resolved } = alerts.evaluate(vitals)
    for (const { rule, subject, summary } of fired) {
      logger.warn({ alert: rule, subject }, `${summary} docs/alerts.md#${rule} says what to do`)
    }
    for (const { rule, subject } of resolved) logger.info({ alert: rule, subject }, 'the alert has ended')
    // A receiver that is slow to answer must not keep anybody from looking.
    for (const channel of channels) void channel.tell(alerts.firing())
  }

  while (!signal.aborted) {
    await turn().catch((error: unknown) => {
      logger.error({ error }, 'the alerts could not be evaluated; trying again')
    })
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }
  const limit = setTimeout(() => giveUp.abort(), LAST_WORDS_MS)
  await Promise.all(channels.map((channel) => channel.end()))
  clearTimeout(limit)
}
