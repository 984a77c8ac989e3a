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
  readonly logger: Logger
}

/** Looks again and again until it is disposed, logs what fires and what ends, and tells the receivers. */
export function watchAlerts({
  look,
  alerts,
  notify,
  everyMs,
  logger,
  ...options
}: WatchOptions): AsyncDisposable {
  const stop = new AbortController()
  const channels = notify.map(({ type, url }, n) =>
    createChannel({
      ...options,
      logger,
      name: `alerts.notify[${n}] (${type})`,
      send: (message) => post(url, bodyOf(type, message), stop.signal),
    }),
  )
  let telling: Promise<unknown> = Promise.resolve()

  async function turn(): Promise<void> {
    const { fired, resolved } = alerts.evaluate(await look())
    for (const { rule, subject, summary } of fired) {
      logger.warn({ alert: rule, subject }, `${summary} docs/alerts.md says what to do`)
    }
    for (const { rule, subject } of resolved) logger.info({ alert: rule, subject }, 'the alert has ended')
    // A receiver that is slow to answer must not keep anybody from looking.
    telling = Promise.all(channels.map((channel) => channel.tell(alerts.firing())))
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      await turn().catch((error: unknown) => {
        logger.error({ error }, 'the alerts could not be evaluated; trying again')
      })
      await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => {})
    }
  }
  const running = run()

  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await telling
    },
  }
}
