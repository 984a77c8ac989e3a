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

export interface Subscriptions {
  /** Makes the topic, where it is not there. */
  provision(signal?: AbortSignal): Promise<void>
  /** Throws `TOPIC_MISSING` where it is not there. */
  checkTopic(options?: {
    readonly timeoutMs?: number
    readonly signal?: AbortSignal | undefined
  }): Promise<void>
  has(group: string, signal?: AbortSignal): Promise<boolean>
  /** Makes the subscription of a group, where there is none; says what is different, where there is one. True where it was made. */
  ensure(group: string, signal?: AbortSignal): Promise<boolean>
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
  /** Groups whose differences were told. */
  const looked = new Set<string>()

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

  const has = async (group: string, signal?: AbortSignal): Promise<boolean> =>
    (await find(names.subscription(group), signal)) !== undefined

  async function ensure(group: string, signal?: AbortSignal): Promise<boolean> {
    const subscription = wanted(names.subscription(group), group)
    const found = await find(subscription.name, signal)
    if (!found) return create(subscription, signal)
    if (looked.has(group)) return false
    looked.add(group)
    for (const { level, difference } of differences(found, subscription))
      logger[level](
        { subscription: subscription.name },
        `the subscription of the group ${group} ${difference}`,
      )
    return false
  }

  return {
    async provision(signal) {
      try {
        await call(
          ({ publisher }, options) => publisher.createTopic({ name: names.topic }, options),
          limits(signal),
        )
      } catch (error) {
        if (!isStatus(error, 'ALREADY_EXISTS')) throw error
      }
    },
    async checkTopic({ timeoutMs = ADMIN_MS, signal } = {}) {
      try {
        await call(({ publisher }, options) => publisher.getTopic({ topic: names.topic }, options), {
          timeoutMs,
          signal,
        })
      } catch (error) {
        throw isStatus(error, 'NOT_FOUND') ? topicMissing(error) : error
      }
    },
    has,
    ensure,
    async makeTemporary(subscription, signal) {
      await create(wanted(subscription), signal)
    },
    async remove(subscription, signal) {
      try {
        await call(
          ({ subscriber }, options) => subscriber.deleteSubscription({ subscription }, options),
          limits(signal),
        )
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
