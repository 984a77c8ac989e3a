import type { Logger } from '../../adapter.ts'
import { TransientError } from '../../errors.ts'
import { loadClient } from '../../lib/client.ts'
import { retry } from '../../lib/retry.ts'
import { createBell } from '../../lib/bell.ts'
import { checkName } from '../name.ts'
import type { Queue, QueueAdapter } from '../queue.ts'
import { type Config, config } from './config.ts'
import { type Administrator, type Connection, connectionOf, createAdministrator } from './connect.ts'
import { createGroups, type Groups } from './groups.ts'
import { createMember, type Member } from './member.ts'
import { type GroupNames, groupNames } from './names.ts'
import { createOnlooker } from './onlooker.ts'
import { createPeeker, type Peeker } from './peek.ts'
import { provisionTopic } from './provision.ts'
import { createPublisher, type Publisher } from './publish.ts'
import { readBatches } from './read.ts'
import { batchBytesOf, findTopic, partitionsOf, warnOfWeakness } from './topic.ts'

/** How long an opening may last. */
const OPEN_MS = 8_000

/** A topic of Apache Kafka. */
const kafka: QueueAdapter<Config> = {
  config,
  async open(config, { topic, logger, signal }) {
    const connection = await connect(config)
    const administrator = createAdministrator(connection)
    const names = groupNames(config.groupPrefix, topic)
    const peeker = createPeeker(connection, topic)
    const groups = createGroups(connection, administrator, topic, names, peeker)
    const opening = AbortSignal.any([signal, AbortSignal.timeout(OPEN_MS)])
    let trouble: TransientError | undefined
    try {
      const found = await findTopic(administrator, topic, opening)
      const batchBytes = batchBytesOf(found, topic, config.maxMessageBytes)
      warnOfWeakness(found, topic, logger)
      // New brokers first have to make what they note groups in.
      const onFailure = (error: TransientError): void => void (trouble = error)
      await retry(() => groups.ensure('storage', opening), opening, { baseMs: 100, maxMs: 500, onFailure })
      const { partitions } = found
      const publisher = createPublisher({ ...config, connection, topic, partitions, batchBytes })
      return createQueue({
        config,
        connection,
        administrator,
        groups,
        peeker,
        names,
        publisher,
        topic,
        partitions,
        logger,
      })
    } catch (error) {
      administrator.close()
      signal.throwIfAborted()
      throw explain(opening.aborted ? (trouble ?? error) : error, connection)
    }
  },
  async provision(config, { topic, logger, signal }) {
    const connection = await connect(config)
    const administrator = createAdministrator(connection)
    try {
      await provisionTopic(administrator, topic, config, { logger, signal })
    } catch (error) {
      throw explain(error, connection)
    } finally {
      administrator.close()
    }
  },
}

export default kafka

async function connect(config: Config): Promise<Connection> {
  const library = await loadClient('@platformatic/kafka', () => import('@platformatic/kafka'))
  return connectionOf(library, config)
}

/** Brokers that want encryption, a certificate or a login just hang up on who comes without. */
const HUNG_UP = /Connection closed|ECONNRESET|TLS/

function explain(error: unknown, { address }: Connection): unknown {
  if (error instanceof Error && error.name === 'TimeoutError')
    return new TransientError('QUEUE_UNAVAILABLE', `queue.brokers ${address}: no answer in ${OPEN_MS} ms`)
  const isUnclear = error instanceof TransientError && HUNG_UP.test(error.message)
  if (!isUnclear) return error
  const message = `${error.message}; check queue.tls and queue.sasl: the brokers may want what is not set, or the other way about`
  return new TransientError('QUEUE_UNAVAILABLE', message, { cause: error })
}

interface Parts {
  readonly config: Config
  readonly connection: Connection
  readonly administrator: Administrator
  readonly groups: Groups
  readonly peeker: Peeker
  readonly names: GroupNames
  readonly publisher: Publisher
  readonly topic: string
  readonly partitions: number
  readonly logger: Logger
}

function createQueue(parts: Parts): Queue {
  const { config, connection, administrator, groups, peeker, names, publisher, topic, partitions, logger } =
    parts
  const { maxMessageBytes, sessionTimeoutMs } = config
  const bell = createBell()
  const closing = new AbortController()
  const members = new Map<string, Member>()
  let closed: Promise<void> | undefined

  function memberOf(group: string): Member {
    const known = members.get(group)
    if (known && !known.isClosed) return known
    const member = createMember({
      connection,
      groups,
      topic,
      group,
      groupId: names.toBroker(group),
      partitions,
      sessionTimeoutMs,
      logger,
      bell,
      predecessor: known?.close(),
    })
    members.set(group, member)
    return member
  }

  async function close(): Promise<void> {
    closing.abort()
    publisher.close()
    await Promise.all([...members.values()].map((member) => member.close()))
    administrator.close()
    peeker.close()
  }

  return {
    maxMessageBytes,
    publish: (messages, options) => publisher.publish(messages, options),
    async *read({ group, ...options }) {
      // Who aborts before reading has begun needs no member.
      if (closing.signal.aborted || options.signal.aborted) return
      if (group !== undefined) checkName('group', group)
      const holding =
        group === undefined ? createOnlooker({ connection, groups, topic, logger, bell }) : memberOf(group)
      yield* readBatches({ holding, bell, closing: closing.signal }, options)
    },
    async check({ signal } = {}) {
      await partitionsOf(administrator, topic, signal)
    },
    backlog: groups.backlog,
    oldestAgeMs: groups.oldestAgeMs,
    caughtUp: groups.caughtUp,
    groups: groups.groups,
    async addGroup(group, options) {
      checkName('group', group)
      await groups.addGroup(group, options)
    },
    removeGroup: groups.removeGroup,
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }
}
