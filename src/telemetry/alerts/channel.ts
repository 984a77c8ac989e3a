import type { Logger } from '../../adapter.ts'
import { type Alert, identity, without } from './alert.ts'

/** Where news go. It remembers what it has told, so that an alert is told once when it fires and once when it ends. */
export interface Channel {
  /**
   * Tells in one message what differs from what was told before, and again what has been firing for long. Does nothing
   * where nothing differs, the last message is too recent, or one is under way. Never rejects: what could not be told is
   * told later, unless it has ended by then.
   */
  tell(firing: readonly Alert[]): Promise<void>
  /** Says, once and without a second try, that nobody watches any longer what was told as firing. Never rejects. */
  end(): Promise<void>
}

/** All that has changed since the message before. */
export interface News {
  readonly firing: readonly Alert[]
  readonly resolved: readonly Alert[]
  /** What may still be so, and nobody looks: the process stops. */
  readonly unwatched: readonly Alert[]
}

export interface ChannelOptions {
  /** What the log calls it: never its URL. */
  readonly name: string
  /** Resolves to why the message was not taken, or to nothing where it was. Never rejects. */
  readonly send: (news: News) => Promise<string | undefined>
  /** The least time from one message to the next. */
  readonly pauseMs: number
  /** What still fires is told again after so long. */
  readonly repeatMs: number
  readonly steady: () => number
  readonly logger: Logger
}

interface Told {
  readonly alert: Alert
  readonly atMs: number
}

const FIRST_RETRY_MS = 5_000
const LAST_RETRY_MS = 300_000

/** Has told nothing yet. */
export function createChannel(options: ChannelOptions): Channel {
  const { name, send, pauseMs, repeatMs, steady, logger } = options
  const told = new Map<string, Told>()
  let notBefore = Number.NEGATIVE_INFINITY
  let failures = 0
  let sending: Promise<void> | undefined

  const toldAlerts = (): readonly Alert[] => [...told.values()].map(({ alert }) => alert)

  function newsAt(now: number, firing: readonly Alert[]): News {
    const isDue = (alert: Alert): boolean => {
      const before = told.get(identity(alert))
      return before === undefined || now - before.atMs >= repeatMs
    }
    return { firing: firing.filter(isDue), resolved: without(toldAlerts(), firing), unwatched: [] }
  }

  async function deliver(news: News, now: number): Promise<void> {
    const failure = await send(news)
    if (failure !== undefined) return later(failure)
    if (failures > 0) logger.info({ channel: name }, 'alerts are delivered again')
    failures = 0
    notBefore = now + pauseMs
    for (const alert of news.resolved) told.delete(identity(alert))
    for (const alert of news.firing) told.set(identity(alert), { alert, atMs: now })
  }

  function later(why: string): void {
    notBefore = steady() + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
    if (failures++ > 0) return
    logger.warn({ channel: name, why }, 'alerts can not be delivered; trying again, for as long as they fire')
  }

  return {
    async tell(firing) {
      const now = steady()
      if (sending || now < notBefore) return
      const news = newsAt(now, firing)
      if (news.firing.length + news.resolved.length === 0) return
      sending = deliver(news, now).finally(() => {
        sending = undefined
      })
      await sending
    },
    async end() {
      await sending
      if (told.size > 0) await send({ firing: [], resolved: [], unwatched: toldAlerts() })
    },
  }
}
