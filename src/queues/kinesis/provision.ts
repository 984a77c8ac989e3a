import type { StreamDescriptionSummary } from '@aws-sdk/client-kinesis'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../adapter.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Kinesis } from './client.ts'
import type { Config } from './config.ts'
import { isNamed } from './translate.ts'

type Wanted = Pick<Config, 'mode' | 'shards' | 'retentionMs'>

const HOUR_MS = 3_600_000
const DEFAULT_HOURS = 24
const LOOK_MS = 200

/** Makes the stream where it is absent; says what is different where it is there, and changes nothing of it. */
export async function provisionStream(
  kinesis: Kinesis,
  wanted: Wanted,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const { mode, shards, retentionMs } = wanted
  const isNew = await create(kinesis, mode === 'on-demand' ? undefined : shards, signal)
  const summary = await active(kinesis, signal)
  const hours = retentionMs / HOUR_MS
  if (!isNew) return tellDifferences(summary, wanted, kinesis.place.stream, logger)
  if (hours <= DEFAULT_HOURS) return
  await kinesis.retain(hours, { signal })
  await active(kinesis, signal)
}

/** Whether it was made now, and not by somebody before. */
async function create(kinesis: Kinesis, shards: number | undefined, signal: AbortSignal): Promise<boolean> {
  try {
    await kinesis.describe({ signal })
    return false
  } catch (error) {
    if (!(error instanceof HeadwaterError && error.code === 'TOPIC_MISSING')) throw error
  }
  try {
    await kinesis.create({ shards }, { signal })
    return true
  } catch (error) {
    // Somebody else was faster.
    if (isNamed(error, 'ResourceInUseException')) return false
    throw error
  }
}

async function active(kinesis: Kinesis, signal: AbortSignal): Promise<StreamDescriptionSummary> {
  while (true) {
    const summary = await kinesis.describe({ signal })
    if (summary.StreamStatus === 'ACTIVE') return summary
    await sleep(LOOK_MS, undefined, { signal })
  }
}

function tellDifferences(
  { StreamModeDetails: found, OpenShardCount, RetentionPeriodHours }: StreamDescriptionSummary,
  { mode, shards, retentionMs }: Wanted,
  stream: string,
  logger: Logger,
): void {
  const foundMode = found?.StreamMode === 'ON_DEMAND' ? 'on-demand' : 'provisioned'
  const differences = [
    foundMode !== mode && `its mode is ${foundMode}, not ${mode}`,
    foundMode === 'provisioned' &&
      mode === 'provisioned' &&
      OpenShardCount !== shards &&
      `it has ${OpenShardCount} shards, not ${shards}`,
    RetentionPeriodHours !== retentionMs / HOUR_MS &&
      `it keeps records for ${RetentionPeriodHours} h, not ${retentionMs / HOUR_MS} h`,
  ].filter((difference) => difference !== false)
  if (differences.length > 0)
    logger.warn(
      { stream },
      `the stream ${stream} is there already and stays as it is: ${differences.join('; ')}`,
    )
}
