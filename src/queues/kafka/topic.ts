import type { Admin } from '@platformatic/kafka'
import type { Logger } from '../../adapter.ts'
import { HeadwaterError } from '../../errors.ts'
import { formatBytes, formatDuration } from '../../lib/units.ts'
import type { Administrator } from './connect.ts'
import { isTopicMissing } from './translate.ts'

/** A topic as it is on the brokers. */
export interface Topic {
  readonly partitions: number
  readonly replication: number
  /** The settings that the brokers tell us; none where we may not see them. */
  readonly settings: ReadonlyMap<string, string>
}

/** What a batch has around its messages, and what a key and headers may take beside a body of the largest size. */
export const BATCH_OVERHEAD_BYTES = 1_024
export const MESSAGE_HEADROOM_BYTES = 16 * 1_024
export const DEFAULT_MAX_BATCH_BYTES = 1_048_588
const DAY_MS = 86_400_000

/** Throws `TOPIC_MISSING` where there is none. */
export async function findTopic(
  administrator: Administrator,
  topic: string,
  signal?: AbortSignal,
): Promise<Topic> {
  const partitions = await partitionsOf(administrator, topic, signal)
  const settings = await settingsOf(administrator, topic, signal)
  return { partitions: partitions.length, replication: partitions[0]?.replicas.length ?? 1, settings }
}

/** Throws `TOPIC_MISSING` where there is none. */
export async function partitionsOf(administrator: Administrator, topic: string, signal?: AbortSignal) {
  const metadata = await administrator
    .ask((admin) => admin.metadata({ topics: [topic], forceUpdate: true }), signal)
    .catch((error: unknown) => {
      if (!isTopicMissing(error)) throw error
      return undefined
    })
  const found = metadata?.topics.get(topic)
  if (found) return found.partitions
  throw new HeadwaterError(
    'TOPIC_MISSING',
    `there is no topic ${topic} at the brokers: \`headwater provision\` makes it`,
  )
}

/** Nobody needs the permission to see them. */
async function settingsOf(administrator: Administrator, topic: string, signal?: AbortSignal) {
  try {
    return await administrator.ask((admin) => describe(admin, topic), signal)
  } catch (error) {
    if (error instanceof HeadwaterError && error.code === 'QUEUE_REFUSED') return new Map<string, string>()
    throw error
  }
}

async function describe(admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> {
  const [description] = await admin.describeConfigs({
    resources: [{ resourceType: 2, resourceName: topic, configurationKeys: null }],
  })
  return new Map(description?.configs.map(({ name, value }) => [name, value ?? '']))
}

/** The most that goes into one batch. Throws where the largest message would not. */
export function batchBytesOf({ settings }: Topic, topic: string, maxMessageBytes: number): number {
  const setting = settings.get('max.message.bytes')
  const most = Number(setting ?? DEFAULT_MAX_BATCH_BYTES) - BATCH_OVERHEAD_BYTES
  const least = maxMessageBytes + MESSAGE_HEADROOM_BYTES
  // Where the topic does not say how much it takes, what is configured is believed.
  if (setting === undefined) return Math.max(most, least)
  if (most >= least) return most
  throw new HeadwaterError(
    'TOPIC_MISSING',
    `queue.max_message_bytes: expected at most ${formatBytes(most - MESSAGE_HEADROOM_BYTES)}, since the topic ${topic} has ` +
      `max.message.bytes=${setting}; found ${formatBytes(maxMessageBytes)}: raise the one or lower the other`,
  )
}

/** Says what of a topic's settings can lose what was acknowledged. */
export function warnOfWeakness({ replication, settings }: Topic, topic: string, logger: Logger): void {
  const warn = (message: string): void => logger.warn({ topic }, `the topic ${topic} ${message}`)
  if (settings.size === 0)
    return warn(
      'does not show its settings, so nobody checks how safe they are: DescribeConfigs would allow it',
    )
  const inSync = Number(settings.get('min.insync.replicas') ?? 1)
  if (replication === 1) warn('has one replica: what it holds is lost with one disk')
  else if (inSync < 2)
    warn(`has min.insync.replicas=${inSync}: what one broker alone confirmed can be lost with it; expected 2`)
  if (settings.get('unclean.leader.election.enable') === 'true')
    warn('has unclean.leader.election.enable=true: what was confirmed can be lost when a broker fails')
  const retentionMs = Number(settings.get('retention.ms') ?? -1)
  if (retentionMs >= 0 && retentionMs < DAY_MS)
    warn(
      `keeps messages for ${formatDuration(retentionMs)} only, read or not: what is not stored by then is lost`,
    )
  const retentionBytes = Number(settings.get('retention.bytes') ?? -1)
  if (retentionBytes >= 0)
    warn(
      `keeps ${formatBytes(retentionBytes)} in each partition only, read or not: what is not stored by then is lost`,
    )
  if (settings.get('cleanup.policy')?.includes('compact'))
    warn('is compacted: of the messages with one key it keeps the last only; expected cleanup.policy=delete')
}
