import { HeadwaterError, TransientError } from '../../errors.ts'
import { checkName } from '../name.ts'
import type { Message, Queue, QueueContext } from '../queue.ts'
import type { Config } from './config.ts'
import type { Line, Link } from './connect.ts'
import { createGroups } from './groups.ts'
import { refusalOf, toOutgoing } from './message.ts'
import type { Names } from './names.ts'
import { blockedText, createPublisher } from './publish.ts'
import { createReaders } from './readers.ts'
import { ensureGroup, hasExchange, onChannel, readyOf } from './topology.ts'
import { translate } from './translate.ts'
import { abortable, limit } from '../../lib/waiting.ts'

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
/** For what takes many questions. */
const MANY_MS = 30_000

export function createQueue({ config, context, address, names, reading, publishing }: QueueParts): Queue {
  const { prefetch, maxMessageBytes, publishTimeoutMs } = config
  const { logger, openRegistry } = context
  const closing = new AbortController()
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
    await ask((link) => ensureGroup(link, names.group(group), names.topic, logger), signal, MANY_MS)
  }

  const publisher = createPublisher(publishing, address, publishTimeoutMs)
  const readers = createReaders({
    names,
    address,
    line: reading,
    prefetch,
    logger,
    ask,
    makeGroup,
    closing: closing.signal,
  })
  const groups = createGroups({ names, openRegistry, unacknowledged: readers.unacknowledged })

  async function publish(exchange: string, messages: readonly Message[], signal?: AbortSignal) {
    const all = messages.map((message) => {
      const outgoing = toOutgoing(message)
      return { outgoing, refusal: refusalOf(outgoing, maxMessageBytes) }
    })
    const taken = all.flatMap(({ outgoing, refusal }) => (refusal ? [] : [outgoing]))
    await publisher.publish(exchange, taken, signal)
    return all.flatMap(({ refusal }, index) => (refusal ? [{ index, ...refusal }] : []))
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
    read: readers.read,
    async check({ signal } = {}) {
      await ask(async (link) => {
        await onChannel(link, (channel) => channel.checkExchange(names.topic))
        await readyOf(link, names.group('storage'))
      }, signal)
      const blocked = publishing.current?.blocked
      if (blocked !== undefined)
        throw new TransientError('QUEUE_UNAVAILABLE', `queue.url: ${address} ${blockedText(blocked)}`)
    },
    backlog: (group, { signal } = {}) => ask((link) => groups.backlog(link, names.group(group)), signal),
    groups: ({ signal } = {}) => ask((link) => groups.list(link), signal, MANY_MS),
    // Every group has queues of its own, which keep what it has not read: all of them hold.
    async addGroup(group, { signal }) {
      checkName('group', group)
      await makeGroup(group, signal)
    },
    removeGroup: (group, { signal } = {}) => ask((link) => groups.remove(link, group), signal, MANY_MS),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }
}

function noGroup(group: string): HeadwaterError {
  return new HeadwaterError(
    'NOT_FOUND',
    `there is no group ${group}: \`headwater groups list\` shows what there is, \`headwater groups add\` makes one`,
  )
}
