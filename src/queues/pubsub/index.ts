import type { Rejection } from '../../batch.ts'
import { HeadwaterError, TransientError } from '../../errors.ts'
import { checkName } from '../name.ts'
import type { Message, Queue, QueueAdapter } from '../queue.ts'
import { type Config, config } from './config.ts'
import { connect } from './connection.ts'
import { encode, type PubsubMessage, unfitness } from './message.ts'
import { namesOf } from './names.ts'
import { createPublisher } from './publish.ts'
import { createReaders, type Parts } from './readers.ts'
import { createSubscriptions } from './subscriptions.ts'
import { isStatus } from './translate.ts'

const CHECK_MS = 3_000
/** How long it counts that `storage` was seen to get what is published. */
const SEEN_MS = 10_000
const EMULATOR = 'this is an emulator of Pub/Sub: messages are not encrypted, and lost when it ends'
const STORAGE_STAYS = 'the group storage carries reviews into the store and can not be removed'

/** Topics of Google Cloud Pub/Sub. A group is a subscription; the key of a message is its ordering key. */
const pubsub: QueueAdapter<Config> = {
  config,
  async provision(config, { topic, logger, signal }) {
    await using connection = await connect(config)
    const names = namesOf(config.project, config.prefix, topic)
    const subscriptions = createSubscriptions(connection, names, config, logger)
    await subscriptions.provision(signal)
  },
  async open(config, { topic, logger, signal }) {
    const connection = await connect(config)
    try {
      const names = namesOf(config.project, config.prefix, topic)
      const subscriptions = createSubscriptions(connection, names, config, logger)
      // Also one whose topic was deleted is opened: what it keeps must be read.
      await subscriptions.ensure('storage', signal)
      if (connection.isEmulator) logger.warn({ address: connection.address }, EMULATOR)
      return createQueue({ connection, names, subscriptions, config, logger })
    } catch (error) {
      await connection[Symbol.asyncDispose]()
      throw error
    }
  },
}

export default pubsub

function createQueue(parts: Parts): Queue {
  const { connection, names, subscriptions, config } = parts
  const { maxMessageBytes, publishTimeoutMs } = config
  const publisher = createPublisher(send, publishTimeoutMs)
  const readers = createReaders(parts)
  let storageSeenAt = Number.NEGATIVE_INFINITY
  let closed: Promise<void> | undefined

  /** A topic that was deleted and made anew takes what is published, and nobody gets it. */
  async function demandStorage(signal?: AbortSignal): Promise<void> {
    if (performance.now() - storageSeenAt < SEEN_MS) return
    await subscriptions.demand('storage', signal)
    storageSeenAt = performance.now()
  }

  async function send(messages: readonly PubsubMessage[], signal?: AbortSignal): Promise<void> {
    try {
      await demandStorage(signal)
      await connection.call(
        ({ publisher }, options) =>
          publisher.publish({ topic: names.topic, messages: [...messages] }, options),
        { timeoutMs: publishTimeoutMs, signal },
      )
    } catch (error) {
      storageSeenAt = Number.NEGATIVE_INFINITY
      if (!(error instanceof HeadwaterError) || error.code !== 'TOPIC_MISSING') throw error
      const message = isStatus(error, 'NOT_FOUND')
        ? `the topic ${names.topicId} is gone; publishing waits until \`headwater provision\` has made it`
        : `${error.message}; publishing waits`
      throw new TransientError('TOPIC_MISSING', message, { cause: error })
    }
  }

  async function publish(
    messages: readonly Message[],
    signal?: AbortSignal,
    { group, allow }: { readonly group?: string; readonly allow?: () => Promise<void> } = {},
  ): Promise<readonly Rejection[]> {
    const rejections = messages.flatMap((message, index): readonly Rejection[] => {
      const reason = unfitness(message, maxMessageBytes)
      return reason === undefined ? [] : [{ index, code: 'message_too_large', message: reason }]
    })
    const refused = new Set(rejections.map(({ index }) => index))
    const fitting = messages.filter((_, index) => !refused.has(index))
    await publisher.publish(
      fitting.map((message) => encode(message, group)),
      signal,
      allow,
    )
    return rejections
  }

  async function close(): Promise<void> {
    await readers.close()
    await connection[Symbol.asyncDispose]()
  }

  return {
    maxMessageBytes,
    publish: (messages, { signal } = {}) => publish(messages, signal),
    publishTo(group, messages, { signal } = {}) {
      const allow = async (): Promise<void> => {
        if (!(await subscriptions.has(group, signal))) throw noGroup(group)
      }
      return publish(messages, signal, { group, allow })
    },
    async *read(options) {
      if (options.group !== undefined) checkName('group', options.group)
      yield* readers.read(options)
    },
    check: ({ signal } = {}) => subscriptions.checkTopic({ timeoutMs: CHECK_MS, signal }),
    groups: ({ signal } = {}) => subscriptions.list(signal),
    async addGroup(group, { signal }) {
      checkName('group', group)
      await subscriptions.demand(group, signal)
    },
    async removeGroup(group, { signal } = {}) {
      if (group === 'storage' && !(await subscriptions.isOrphan(group, signal)))
        throw new HeadwaterError('USAGE', STORAGE_STAYS)
      return subscriptions.remove(names.subscription(group), signal)
    },
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }
}

function noGroup(group: string): HeadwaterError {
  return new HeadwaterError(
    'NOT_FOUND',
    `there is no group ${group}: \`headwater groups list\` shows what there is, \`headwater groups add\` makes one`,
  )
}
