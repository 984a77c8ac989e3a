import type { Logger } from '../../adapter.ts'
import { type Alert, identity, without } from './alert.ts'
import type { Message } from './message.ts'

/** Where messages go. It remembers what it has told, so that an alert is told once when it fires and once when it ends. */
export interface Channel {
  /**
   * Tells in one message what differs from what was told before, and again what has been firing for long. Does nothing
   * where nothing differs, the last message is too recent, or one is under way. Never rejects: what could not be told is
   * told later, unless it has ended by then.
   */
  tell(firing: readonly Alert[]): Promise<void>
}

export interface ChannelOptions {
  /** What the log calls it: never its URL. */
  readonly name: string
  /** The machine that speaks. */
  readonly from: string
  /** Resolves to why the message was not taken, or to nothing where it was. */
  readonly send: (message: Message) => Promise<string | undefined>
  /** The least time from one message to the next. */
  readonly pauseMs: number
  /** What still fires is told again after so long. */
  readonly repeatMs: number
  readonly clock: () => number
  readonly logger: Logger
}

interface Told {
  readonly alert: Alert
  readonly at: number
}

const FIRST_RETRY_MS = 5_000
const LAST_RETRY_MS = 300_000

/** Has told nothing yet. */
export function createChannel(options: ChannelOptions): Channel {
  const { name, from, send, pauseMs, repeatMs, clock, logger } = options
  const told = new Map<string, Told>()
  let notBefore = Number.NEGATIVE_INFINITY
  let failures = 0
  let sending: Promise<void> | undefined

  /** What there is to tell; undefined where there is nothing. */
  function next(firing: readonly Alert[]): Message | undefined {
    const at = clock()
    const before = [...told.values()]
    const due = firing.filter((alert) => at - (told.get(identity(alert))?.at ?? -Infinity) >= repeatMs)
    const resolved = without(
      before.map(({ alert }) => alert),
      firing,
    )
    return due.length + resolved.length === 0 ? undefined : { from, at, firing: due, resolved }
  }

  async function deliver(message: Message): Promise<void> {
    const failure = await send(message)
    if (failure !== undefined) return later(failure)
    if (failures > 0) logger.info({ channel: name }, 'alerts are delivered again')
    failures = 0
    notBefore = message.at + pauseMs
    for (const alert of message.resolved) told.delete(identity(alert))
    for (const alert of message.firing) told.set(identity(alert), { alert, at: message.at })
  }

  function later(why: string): void {
    notBefore = clock() + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
    if (failures++ === 0) {
      logger.warn(
        { channel: name, why },
        'alerts can not be delivered; trying again, for as long as they fire',
      )
    }
  }

  return {
    async tell(firing) {
      if (sending) return sending
      const message = clock() < notBefore ? undefined : next(firing)
      if (!message) return
      sending = deliver(message).finally(() => {
        sending = undefined
      })
      await sending
    },
  }
}
