import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../adapter.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Config } from './config.ts'
import type { Administrator } from './connect.ts'
import {
  BATCH_OVERHEAD_BYTES,
  DEFAULT_MAX_BATCH_BYTES,
  findTopic,
  MESSAGE_HEADROOM_BYTES,
  type Topic,
} from './topic.ts'
import { says } from './translate.ts'

const LOOK_MS = 100
const LIMIT_MS = 30_000

/** Makes the topic and waits until all know it; of one that is there it says what is different, and changes nothing. */
export async function provisionTopic(
  administrator: Administrator,
  topic: string,
  config: Config,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const wanted = wantedOf(config)
  const isNew = await administrator
    .ask((admin) => admin.createTopics(requestOf(topic, wanted)), signal)
    .then(
      () => true,
      (error: unknown) => {
        if (!says(error, 'TOPIC_ALREADY_EXISTS')) throw error
        return false
      },
    )
  // Brokers hear of a new topic one after the other.
  const isKnown = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)])
  let found: Topic | undefined
  while (!found) found = await findTopic(administrator, topic, isKnown).catch(waitFor(isKnown))
  if (!isNew) for (const difference of differences(found, wanted)) logger.warn({ topic }, difference)
}

/** Nothing is found yet; another look is worth it only while the topic is missing. */
function waitFor(signal: AbortSignal) {
  return async (error: unknown): Promise<undefined> => {
    if (!(error instanceof HeadwaterError) || error.code !== 'TOPIC_MISSING') throw error
    await sleep(LOOK_MS, undefined, { signal })
  }
}

function wantedOf({ partitions, replication, retentionMs, maxMessageBytes }: Config): Topic {
  const largest = maxMessageBytes + MESSAGE_HEADROOM_BYTES + BATCH_OVERHEAD_BYTES
  const settings = new Map([
    ['cleanup.policy', 'delete'],
    // With two replicas both must have a message: better none is taken than that one is lost.
    ['min.insync.replicas', String(Math.min(2, replication))],
    ['unclean.leader.election.enable', 'false'],
  ])
  if (retentionMs !== undefined) settings.set('retention.ms', String(retentionMs))
  if (largest > DEFAULT_MAX_BATCH_BYTES) settings.set('max.message.bytes', String(largest))
  return { partitions, replication, settings }
}

function requestOf(topic: string, { partitions, replication, settings }: Topic) {
  return {
    topics: [topic],
    partitions,
    replicas: replication,
    configs: [...settings].map(([name, value]) => ({ name, value })),
  }
}

function differences(found: Topic, wanted: Topic): readonly string[] {
  const pairs = [
    ['partitions', found.partitions, wanted.partitions],
    ['replicas', found.replication, wanted.replication],
    ...[...wanted.settings].map(
      ([name, value]) => [name, found.settings.get(name) ?? 'unknown', value] as const,
    ),
  ] as const
  return pairs
    .filter(([, is, shall]) => is !== shall)
    .map(
      ([name, is, shall]) =>
        `the topic is there already, with ${name} ${is} instead of ${shall}; it was left as it is`,
    )
}
