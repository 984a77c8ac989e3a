import type { protos } from '@google-cloud/pubsub'
import type { Logger } from '../../adapter.ts'
import { HeadwaterError } from '../../errors.ts'
import { writeDuration } from '../../lib/units.ts'
import type { GroupState } from '../queue.ts'
import type { Config } from './config.ts'
import type { Connection } from './connection.ts'
import { filterOf } from './message.ts'
import type { Names } from './names.ts'
import { isStatus } from './translate.ts'

type Subscription = protos.google.pubsub.v1.ISubscription

/** How long a call about topics and subscriptions may take. */
export const ADMIN_MS = 8_000
const DAY_S = 86_400

interface CheckOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

export interface Subscriptions {
  /** Makes the topic and the subscription of `storage`, where they are not there. */
  provision(signal?: AbortSignal): Promise<void>
  /** Throws `TOPIC_MISSING` where it is not there. */
  checkTopic(options?: CheckOptions): Promise<void>
  /** Whether a group gets what is published. */
  has(group: string, signal?: AbortSignal): Promise<boolean>
  /**
   * Makes the subscription of a group, where there is none; says what is different, where there is one. False where it is one
   * of a topic that was deleted: it may be read, and gets nothing that is published.
   */
  ensure(group: string, signal?: AbortSignal): Promise<boolean>
  /** The same, and throws `TOPIC_MISSING` where the group gets nothing that is published. */
  demand(group: string, signal?: AbortSignal): Promise<void>
  /** Whether the subscription of a group is one of a topic that was deleted. */
  isOrphan(group: string, signal?: AbortSignal): Promise<boolean>
  /** Makes a subscription of nobody's, which the service forgets by itself when it is not used for a day. */
  makeTemporary(subscription: string, signal?: AbortSignal): Promise<void>
  /** False where there is none. */
  remove(subscription: string, signal?: AbortSignal): Promise<boolean>
  list(signal?: AbortSignal): Promise<readonly GroupState[]>
}

export function createSubscriptions(
  { call, address }: Connection,
  names: Names,
  config: Config,
  logger: Logger,
): Subscriptions {
  const limits = (signal?: AbortSignal) => ({ timeoutMs: ADMIN_MS, signal })
  /** Subscriptions that were there, and of which it was told how they differ. */
  const known = new Set<string>()
  const orphans = new Set<string>()

  function wanted(name: string, group?: string) {
    return {
      name,
      topic: names.topic,
      ackDeadlineSeconds: Math.ceil(config.ackDeadlineMs / 1_000),
      messageRetentionDuration: { seconds: Math.floor(config.retentionMs / 1_000) },
      enableMessageOrdering: true,
      filter: filterOf(group),
      // Without a time to live it never expires, however long nobody reads.
      expirationPolicy: group === undefined ? { ttl: { seconds: DAY_S } } : {},
    }
  }

  async function create(subscription: Subscription & { name: string; topic: string }, signal?: AbortSignal) {
    try {
      await call(
        ({ subscriber }, options) => subscriber.createSubscription(subscription, options),
        limits(signal),
      )
      return true
    } catch (error) {
      if (isStatus(error, 'ALREADY_EXISTS')) return false
      throw isStatus(error, 'NOT_FOUND') ? topicMissing(error) : error
    }
  }

  async function find(name: string, signal?: AbortSignal): Promise<Subscription | undefined> {
    try {
      return await call(
        ({ subscriber }, options) => subscriber.getSubscription({ subscription: name }, options),
        limits(signal),
      )
    } catch (error) {
      if (isStatus(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  function topicMissing(cause: unknown): HeadwaterError {
    return new HeadwaterError(
      'TOPIC_MISSING',
      `there is no topic ${names.topicId} in the project ${config.project} at ${address}: \`headwater provision\` makes it`,
      { cause },
    )
  }

  /** A deleted topic leaves its subscriptions behind, and one that is made anew does not get them back. */
  const isCutOff = ({ topic, detached }: Subscription): boolean =>
    detached === true || topic?.split('/').at(-1) !== names.topicId

  function orphaned(group: string): HeadwaterError {
    const makes = group === 'storage' ? 'provision' : `groups add ${group}`
    return new HeadwaterError(
      'TOPIC_MISSING',
      `the subscription of the group ${group} on ${names.topicId} gets nothing that is published, since its topic was deleted: ` +
        `once its readers have read what it keeps, \`headwater groups remove ${group}\` removes it and \`headwater ${makes}\` makes it anew`,
    )
  }

  async function checkTopic({ timeoutMs = ADMIN_MS, signal }: CheckOptions = {}): Promise<void> {
    try {
      await call(({ publisher }, options) => publisher.getTopic({ topic: names.topic }, options), {
        timeoutMs,
        signal,
      })
    } catch (error) {
      throw isStatus(error, 'NOT_FOUND') ? topicMissing(error) : error
    }
  }

  async function make(group: string, signal?: AbortSignal): Promise<void> {
    const subscription = wanted(names.subscription(group), group)
    const { name } = subscription
    // Who may not make a subscription is told rather that there is no topic.
    await checkTopic({ signal })
    const isNew = await create(subscription, signal)
    if (isNew && known.has(name))
      logger.error(
        { subscription: name },
        `the subscription of the group ${group} was gone and was made anew: what was published before and not read is lost to it`,
      )
    known.add(name)
  }

  async function ensure(group: string, signal?: AbortSignal): Promise<boolean> {
    const expected = wanted(names.subscription(group), group)
    const { name: subscription } = expected
    const found = await find(subscription, signal)
    const getsNothing = found !== undefined && isCutOff(found)
    if (getsNothing && !orphans.has(subscription)) logger.error({ subscription }, orphaned(group).message)
    if (getsNothing) orphans.add(subscription)
    else orphans.delete(subscription)
    if (!found) await make(group, signal)
    else if (!known.has(subscription)) {
      known.add(subscription)
      for (const { level, difference } of differences(found, expected))
        logger[level]({ subscription }, `the subscription of the group ${group} ${difference}`)
    }
    return !getsNothing
  }

  async function isOrphan(group: string, signal?: AbortSignal): Promise<boolean> {
    const found = await find(names.subscription(group), signal)
    return found !== undefined && isCutOff(found)
  }

  return {
    async provision(signal) {
      // As soon as there is a topic it is published to, and what nobody is subscribed to is lost.
      if (await isOrphan('storage', signal)) throw orphaned('storage')
      try {
        await call(
          ({ publisher }, options) => publisher.createTopic({ name: names.topic }, options),
          limits(signal),
        )
      } catch (error) {
        if (!isStatus(error, 'ALREADY_EXISTS')) throw error
      }
      await ensure('storage', signal)
    },
    checkTopic,
    async has(group, signal) {
      const found = await find(names.subscription(group), signal)
      return found !== undefined && !isCutOff(found)
    },
    ensure,
    async demand(group, signal) {
      if (!(await ensure(group, signal))) throw orphaned(group)
    },
    isOrphan,
    async makeTemporary(subscription, signal) {
      await create(wanted(subscription), signal)
    },
    async remove(subscription, signal) {
      try {
        await call(
          ({ subscriber }, options) => subscriber.deleteSubscription({ subscription }, options),
          limits(signal),
        )
        known.delete(subscription)
        return true
      } catch (error) {
        if (isStatus(error, 'NOT_FOUND')) return false
        throw error
      }
    },
    async list(signal) {
      const subscriptions = await call(
        ({ publisher }, options) => publisher.listTopicSubscriptions({ topic: names.topic }, options),
        limits(signal),
      )
      return subscriptions.flatMap((name) => {
        const group = names.groupOf(name)
        return group === undefined ? [] : [{ group, holds: true }]
      })
    },
  }
}

interface Difference {
  readonly level: 'warn' | 'error'
  readonly difference: string
}

/** What makes a subscription keep less than is promised. */
export function differences(found: Subscription, expected: Subscription): readonly Difference[] {
  const list: Difference[] = []
  const say = (level: Difference['level'], difference: string): void => void list.push({ level, difference })
  if (!found.enableMessageOrdering)
    say(
      'error',
      'was made without message ordering, so there is no order by key: remove it and let it be made anew',
    )
  if (found.deadLetterPolicy?.deadLetterTopic)
    say('error', 'has a dead-letter policy, which takes messages out of the queue that were not stored')
  if (found.expirationPolicy?.ttl)
    say('warn', 'expires with all it keeps when nobody reads for as long as its expiration policy says')
  if ((found.filter ?? '') !== expected.filter)
    say(
      'warn',
      `has the filter ${JSON.stringify(found.filter ?? '')} where ${JSON.stringify(expected.filter)} is expected`,
    )
  const [keeps, should] = [found, expected].map(({ messageRetentionDuration }) =>
    Number(messageRetentionDuration?.seconds ?? 0),
  )
  if (keeps !== undefined && should !== undefined && keeps < should)
    say('warn', `keeps messages for ${writeDuration(keeps * 1_000)}, which is less than queue.retention`)
  return list
}
