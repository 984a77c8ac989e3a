import { randomUUID } from 'node:crypto'
import { HeadwaterError, TransientError } from '../../errors.ts'
import type { Message, Queue, QueueContext } from '../queue.ts'
import type { Config } from './config.ts'
import type { Line, Link } from './connect.ts'
import { createGroups } from './groups.ts'
import { refusalOf, toOutgoing } from './message.ts'
import type { Names } from './names.ts'
import { createOutage } from './outage.ts'
import { blockedText, createPublisher } from './publish.ts'
import { createReader, type Reader, type ReaderOptions } from './reader.ts'
import { openTap, type TapOptions } from './tap.ts'
import { enlist, ensureGroup, hasExchange, onChannel, readersOf, readyOf } from './topology.ts'
import { isNotFound, translate } from './translate.ts'
import { abortable, limit } from './wait.ts'

export interface QueueParts {
  readonly config: Config
  readonly context: QueueContext
  /** Host and port, for messages. */
  readonly address: string
  readonly names: Names
  /** The connection for everything but publishing. */
  readonly reading: Line
  readonly publishing: Line
}

const ANSWER_MS = 5_000
const ENSURE_MS = 30_000
/** How much waits at the broker for a reader without a group; beyond it such a reader misses the oldest. */
const ALONE_MESSAGES = 100_000

export function createQueue(parts: QueueParts): Queue {
  const { config, context, address, names, reading, publishing } = parts
  const { prefetch, maxMessageBytes, publishTimeoutMs } = config
  const { logger } = context
  const closing = new AbortController()
  const readers = new Map<string, Reader>()
  const publisher = createPublisher(publishing, address, publishTimeoutMs)
  const unacknowledged = (group: string): number => readers.get(group)?.unacknowledged() ?? 0
  const groups = createGroups({ names, openRegistry: context.openRegistry, unacknowledged })
  let closed: Promise<void> | undefined

  /** Asks the broker, which answers in time or is away. */
  async function ask<T>(work: (link: Link) => Promise<T>, signal?: AbortSignal, ms = ANSWER_MS): Promise<T> {
    signal?.throwIfAborted()
    const late = () => new TransientError('QUEUE_UNAVAILABLE', `queue.url: ${address} does not answer`)
    using time = limit(ms, late, signal)
    try {
      return await abortable(reading.link().then(work), time.signal)
    } catch (error) {
      throw signal?.aborted ? signal.reason : translate(error, address)
    }
  }

  async function makeGroup(group: string, signal?: AbortSignal): Promise<void> {
    await groups.remember(group)
    await ask((link) => ensureGroup(link, names.group(group), names.topic, logger), signal, ENSURE_MS)
  }

  async function publish(exchange: string, messages: readonly Message[], signal?: AbortSignal) {
    const all = messages.map((message) => {
      const outgoing = toOutgoing(message)
      return { outgoing, refusal: refusalOf(message, outgoing, maxMessageBytes) }
    })
    const taken = all.flatMap(({ outgoing, refusal }) => (refusal ? [] : [outgoing]))
    await publisher.publish(exchange, taken, signal)
    return all.flatMap(({ refusal }, index) => (refusal ? [{ index, ...refusal }] : []))
  }

  /** A reader with a tap for each of these queues. */
  function reader(
    fields: object,
    queues: readonly TapOptions['queue'][],
    {
      prepare,
      ...more
    }: Pick<ReaderOptions, 'forgets' | 'countReaders' | 'onEnd'> & { prepare: () => Promise<void> },
  ): Reader {
    const outage = createOutage(logger, { ...fields, broker: address })
    let prepared: Promise<void> | undefined
    const open = (queue: TapOptions['queue']) => async (wake: () => void) => {
      try {
        await (prepared ??= prepare())
        return await openTap(await reading.link(), { prefetch, queue, wake })
      } catch (error) {
        // What is not there is made again, and what could not be made is tried again.
        if (isNotFound(error) || error instanceof HeadwaterError) prepared = undefined
        throw translate(error, address)
      }
    }
    return createReader({
      ...more,
      taps: queues.map(open),
      onTrouble: outage.began,
      onOpen: outage.over,
      closing: closing.signal,
    })
  }

  function readerOf(group: string): Reader {
    const known = readers.get(group)
    if (known) return known
    const ofGroup = names.group(group)
    const taps = ofGroup.queues.map((queue, n): TapOptions['queue'] => async (channel) => {
      if (n === 0) await enlist(channel, ofGroup)
      return queue
    })
    const made = reader({ group }, taps, {
      forgets: false,
      prepare: () => makeGroup(group),
      countReaders: () => ask((link) => readersOf(link, ofGroup)),
      onEnd: () => readers.delete(group),
    })
    readers.set(group, made)
    return made
  }

  /** A queue of its own, which the broker deletes with the channel. */
  function readerAlone(): Reader {
    const queue: TapOptions['queue'] = async (channel) => {
      const name = `${names.topic}.alone.${randomUUID()}`
      await channel.assertQueue(name, {
        exclusive: true,
        autoDelete: true,
        durable: false,
        maxLength: ALONE_MESSAGES,
      })
      await channel.bindQueue(name, names.topic, '')
      return name
    }
    return reader({ group: '(none)' }, [queue], {
      forgets: true,
      prepare: async () => {},
      countReaders: async () => 1,
      onEnd: () => {},
    })
  }

  async function close(): Promise<void> {
    closing.abort()
    await Promise.all([reading, publishing, groups].map((each) => each[Symbol.asyncDispose]()))
  }

  return {
    maxMessageBytes,
    publish: (messages, { signal } = {}) => publish(names.topic, messages, signal),
    async publishTo(group, messages, { signal } = {}) {
      const { exchange } = names.group(group)
      if (!(await ask((link) => hasExchange(link, exchange), signal))) throw noGroup(group)
      return publish(exchange, messages, signal)
    },
    read({ group, ...options }) {
      return (group === undefined ? readerAlone() : readerOf(group)).read(options)
    },
    async check({ signal } = {}) {
      await ask(async (link) => {
        await onChannel(link, (channel) => channel.checkExchange(names.topic))
        await readyOf(link, names.group('storage'))
      }, signal)
      const blocked = publishing.current?.blocked
      if (blocked !== undefined)
        throw new TransientError('QUEUE_UNAVAILABLE', `queue.url: ${address} ${blockedText(blocked)}`)
    },
    async backlog(group, { signal } = {}) {
      const ready = await ask((link) => readyOf(link, names.group(group)), signal)
      return ready + unacknowledged(group)
    },
    groups: ({ signal } = {}) => ask((link) => groups.list(link), signal),
    // Every group has queues of its own, which keep what it has not read: all of them hold.
    addGroup: (group, { signal }) => makeGroup(group, signal),
    removeGroup: (group, { signal } = {}) => ask((link) => groups.remove(link, group), signal),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }
}

function noGroup(group: string): HeadwaterError {
  return new HeadwaterError(
    'NOT_FOUND',
    `there is no group ${group}: \`headwater groups list\` shows what there is, \`headwater groups add\` makes one`,
  )
}
