import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../adapter.ts'
import type { Message } from '../queue.ts'

export interface Delivered {
  readonly message: Message
  readonly id: string
  readonly ackId: string
}

/** A message of ours, until it is acknowledged or given back. */
export interface Held extends Delivered {
  readonly since: number
  /** `settled`: its reader is done with it; `gone`: no concern of ours any more. */
  state: 'held' | 'settled' | 'gone'
}

export interface Leases {
  /** Takes over what the service has delivered, in its order, and sees to it that it stays ours. */
  take(delivered: readonly Delivered[]): readonly Held[]
  /** Resolves when the service has been told of all that it may be told of. May be repeated where it throws. */
  settle(held: readonly Held[]): Promise<void>
  /** Gives back what is not settled. What could not be given back comes back by itself. */
  release(held: readonly Held[]): Promise<void>
  /** Gives everything back, and extends nothing any more. */
  close(): Promise<void>
}

export interface LeaseParts {
  readonly acknowledge: (ackIds: readonly string[]) => Promise<void>
  /** 0 seconds give them back. */
  readonly extend: (ackIds: readonly string[], seconds: number) => Promise<void>
  readonly deadlineMs: number
  readonly maxExtensionMs: number
  readonly logger: Logger
}

/** How many ids go into one request, which takes 512 KiB. */
const MAX_IDS = 1_000
/** How long a closing waits for acknowledgements that are under way. */
const PATIENCE_MS = 1_000

/**
 * What one queue holds of one subscription. The service forgets an acknowledgement that comes before those of the same key in
 * front of it, so it waits here for them; until then the message is as good as not acknowledged.
 */
export function createLeases(parts: LeaseParts): Leases {
  const { acknowledge, extend, deadlineMs, maxExtensionMs, logger } = parts
  const byId = new Map<string, Held>()
  const lanes = new Map<string, readonly Held[]>()
  const underWay = new Set<Promise<unknown>>()
  const timer = setInterval(() => void track(extendAll()), deadlineMs / 3)
  timer.unref()
  let isExtending = false
  let isClosed = false

  function forget(held: readonly Held[]): void {
    const keys = new Set(held.map(({ message }) => message.key))
    for (const each of held) {
      each.state = 'gone'
      byId.delete(each.id)
    }
    for (const key of keys) {
      const left = (lanes.get(key) ?? []).filter(({ state }) => state !== 'gone')
      if (left.length > 0) lanes.set(key, left)
      else lanes.delete(key)
    }
  }

  /** The settled ones of a key with no other in front of them. Messages without a key have no order. */
  function tellable(key: string): readonly Held[] {
    const lane = lanes.get(key) ?? []
    if (key === '') return lane.filter(({ state }) => state === 'settled')
    const end = lane.findIndex(({ state }) => state === 'held')
    return end === -1 ? lane : lane.slice(0, end)
  }

  async function tell(keys: ReadonlySet<string>): Promise<void> {
    for (const request of requestsOf([...keys].flatMap(tellable))) {
      await acknowledge(ackIdsOf(request))
      forget(request)
    }
  }

  async function extendAll(): Promise<void> {
    if (isExtending) return
    isExtending = true
    try {
      letGo()
      const seconds = Math.ceil(deadlineMs / 1_000)
      for (const request of requestsOf([...byId.values()])) await extend(ackIdsOf(request), seconds)
    } catch (error) {
      logger.debug({ err: error }, 'the time of messages was not extended; they may come again')
    } finally {
      isExtending = false
    }
  }

  function letGo(): void {
    const oldest = performance.now() - maxExtensionMs
    const tooOld = [...byId.values()].filter(({ since }) => since < oldest)
    if (tooOld.length === 0) return
    forget(tooOld)
    const message = 'messages were held for longer than queue.max_extension, and will come again'
    logger.warn({ messages: tooOld.length }, message)
  }

  async function release(held: readonly Held[]): Promise<void> {
    const ours = held.filter(({ state }) => state !== 'gone')
    forget(ours)
    try {
      for (const request of requestsOf(ours)) await extend(ackIdsOf(request), 0)
    } catch (error) {
      logger.debug({ err: error }, 'messages were not given back; they come back when their time is over')
    }
  }

  function track<T>(work: Promise<T>): Promise<T> {
    const done = (): void => void underWay.delete(tracked)
    const tracked = work.then(done, done)
    underWay.add(tracked)
    return work
  }

  return {
    take(delivered) {
      // What comes again is no longer known by its former id.
      forget(delivered.flatMap(({ id }) => byId.get(id) ?? []))
      const since = performance.now()
      const held = delivered.map((each): Held => ({ ...each, since, state: 'held' }))
      for (const each of held) byId.set(each.id, each)
      for (const [key, ofKey] of Map.groupBy(held, ({ message }) => message.key))
        lanes.set(key, [...(lanes.get(key) ?? []), ...ofKey])
      return held
    },
    async settle(held) {
      if (isClosed) return
      for (const each of held) if (each.state === 'held') each.state = 'settled'
      await track(tell(new Set(held.map(({ message }) => message.key))))
    },
    release,
    async close() {
      isClosed = true
      clearInterval(timer)
      await Promise.race([Promise.all(underWay), sleep(PATIENCE_MS, undefined, { ref: false })])
      await release([...byId.values()])
    },
  }
}

/** Of what need not stay ours. */
export const NO_LEASES: Leases = {
  take: (delivered) => delivered.map((each) => ({ ...each, since: 0, state: 'held' })),
  settle: async () => {},
  release: async () => {},
  close: async () => {},
}

export const ackIdsOf = (messages: readonly Delivered[]): string[] => messages.map(({ ackId }) => ackId)

function* requestsOf(held: readonly Held[]): Generator<readonly Held[]> {
  for (let from = 0; from < held.length; from += MAX_IDS) yield held.slice(from, from + MAX_IDS)
}
