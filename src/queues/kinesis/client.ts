import type { GetShardIteratorInput, StreamDescriptionSummary } from '@aws-sdk/client-kinesis'
import { HeadwaterError, TransientError } from '../../errors.ts'
import { loadClient } from '../../lib/client.ts'
import { formatDuration } from '../../lib/units.ts'
import { type Position, SHARD_END, TRIM_HORIZON } from './position.ts'
import { type Place, translate } from './translate.ts'

export interface Shard {
  readonly id: string
  readonly parents: readonly string[]
  /** Whether it was split or merged: nothing comes to it any more. */
  readonly isClosed: boolean
}

export interface Outgoing {
  readonly PartitionKey: string
  readonly Data: Buffer
}

/** Where a record came to be, or why it did not. */
export type Put = { readonly shard: string; readonly sequence: string } | { readonly failure: string }

export interface Incoming {
  readonly key: string
  readonly body: Buffer
  readonly sequence: string
  readonly arrivedAt: number
}

export interface Page {
  readonly records: readonly Incoming[]
  /** Undefined at the end of a shard that is closed. */
  readonly next: string | undefined
  /** How far the end of what was read is behind the newest record. */
  readonly behindMs: number
}

export interface Limits {
  readonly limitMs?: number
  readonly signal?: AbortSignal | undefined
}

/** One stream. Every call ends within its limit, and throws what `translate` makes of the client's errors. */
export interface Kinesis {
  readonly place: Place
  describe(limits?: Limits): Promise<StreamDescriptionSummary>
  shards(limits?: Limits): Promise<readonly Shard[]>
  /** One answer a record, in their order. */
  put(records: readonly Outgoing[], limits?: Limits): Promise<readonly Put[]>
  /** An iterator for what comes after a position; of `LATEST`, for what comes from now on. */
  iterator(shard: string, after: Position, limits?: Limits): Promise<string>
  records(iterator: string, count: number, limits?: Limits): Promise<Page>
  create(stream: { readonly shards: number | undefined }, limits?: Limits): Promise<void>
  retain(hours: number, limits?: Limits): Promise<void>
  /** Ends what is under way. */
  close(): void
}

const CONNECT_MS = 3_000
const LIMIT_MS = 10_000

/** Loads the client, and finds the region and the credentials. */
export async function openClient(
  { region, endpoint }: { readonly region?: string | undefined; readonly endpoint?: string | undefined },
  stream: string,
): Promise<Kinesis> {
  const library = await loadClient('@aws-sdk/client-kinesis', () => import('@aws-sdk/client-kinesis'))
  const { NodeHttpHandler } = await loadClient(
    '@smithy/node-http-handler',
    () => import('@smithy/node-http-handler'),
  )
  const client = new library.KinesisClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    // The client's own choice is HTTP/2, which nothing but SubscribeToShard needs.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      requestTimeout: LIMIT_MS,
      throwOnRequestTimeout: true,
    }),
    // The second attempt is for a clock that was set by the first answer, and for a connection that idled to its end.
    maxAttempts: 2,
  })
  const closing = new AbortController()
  const where = await found(client.config.region, 'queue.region: no AWS region: set it, or AWS_REGION').catch(
    fail,
  )
  await found(
    client.config.credentials,
    'no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run with a role',
  ).catch(fail)
  const place: Place = {
    stream,
    address: endpoint === undefined ? `kinesis.${where}.amazonaws.com` : new URL(endpoint).host,
    setting: endpoint === undefined ? 'queue.region' : 'queue.endpoint',
  }
  const StreamName = stream

  function fail(error: unknown): never {
    client.destroy()
    throw error
  }

  /** The client looks at a signal only while it sends; whoever waits must not depend on that. */
  async function ask<T>(
    call: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
    { limitMs = LIMIT_MS, signal }: Limits = {},
  ): Promise<T> {
    signal?.throwIfAborted()
    closing.signal.throwIfAborted()
    const stop = new AbortController()
    const ended = Promise.withResolvers<never>()
    const end = (error: unknown): void => {
      ended.reject(error)
      stop.abort()
    }
    const abort = (): void => end(signal?.reason)
    const close = (): void => end(closing.signal.reason)
    const late = `Kinesis at ${place.address} (${place.setting}) did not answer within ${formatDuration(limitMs)}`
    const timer = setTimeout(() => end(new TransientError('QUEUE_UNAVAILABLE', late)), limitMs)
    signal?.addEventListener('abort', abort)
    closing.signal.addEventListener('abort', close)
    try {
      return await Promise.race([call({ abortSignal: stop.signal }), ended.promise])
    } catch (error) {
      throw signal?.aborted && error === signal.reason ? error : translate(error, place)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      closing.signal.removeEventListener('abort', close)
    }
  }

  return {
    place,
    async describe(limits) {
      const command = new library.DescribeStreamSummaryCommand({ StreamName })
      const { StreamDescriptionSummary: summary } = await ask(
        (options) => client.send(command, options),
        limits,
      )
      return summary ?? unreadable()
    },
    async shards(limits) {
      const all: Shard[] = []
      let NextToken: string | undefined
      do {
        const command = new library.ListShardsCommand(
          NextToken === undefined ? { StreamName } : { NextToken },
        )
        const page = await ask((options) => client.send(command, options), limits)
        for (const shard of page.Shards ?? unreadable()) {
          const parents = [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined)
          const isClosed = shard.SequenceNumberRange?.EndingSequenceNumber !== undefined
          all.push({ id: shard.ShardId ?? unreadable(), parents, isClosed })
        }
        NextToken = page.NextToken
      } while (NextToken !== undefined)
      return all
    },
    async put(records, limits) {
      const command = new library.PutRecordsCommand({ StreamName, Records: [...records] })
      const { Records: results } = await ask((options) => client.send(command, options), limits)
      if (results?.length !== records.length) return unreadable()
      return results.map(({ ShardId: shard, SequenceNumber: sequence, ErrorCode, ErrorMessage }) => {
        if (shard !== undefined && sequence !== undefined) return { shard, sequence }
        return { failure: `${ErrorCode ?? 'no error'}: ${ErrorMessage ?? 'no message'}` }
      })
    },
    async iterator(ShardId, after, limits) {
      const input: GetShardIteratorInput = { StreamName, ShardId, ...startOf(after) }
      const command = new library.GetShardIteratorCommand(input)
      const { ShardIterator } = await ask((options) => client.send(command, options), limits)
      return ShardIterator ?? unreadable()
    },
    async records(ShardIterator, Limit, limits) {
      const command = new library.GetRecordsCommand({ ShardIterator, Limit })
      const page = await ask((options) => client.send(command, options), limits)
      const records = (page.Records ?? unreadable()).map((record): Incoming => {
        const { buffer, byteOffset, byteLength } = record.Data ?? unreadable()
        return {
          key: record.PartitionKey ?? unreadable(),
          body: Buffer.from(buffer, byteOffset, byteLength),
          sequence: record.SequenceNumber ?? unreadable(),
          arrivedAt: record.ApproximateArrivalTimestamp?.getTime() ?? Date.now(),
        }
      })
      return { records, next: page.NextShardIterator ?? undefined, behindMs: page.MillisBehindLatest ?? 0 }
    },
    async create({ shards }, limits) {
      const command = new library.CreateStreamCommand({
        StreamName,
        ...(shards !== undefined && { ShardCount: shards }),
        StreamModeDetails: { StreamMode: shards === undefined ? 'ON_DEMAND' : 'PROVISIONED' },
      })
      await ask((options) => client.send(command, options), limits)
    },
    async retain(RetentionPeriodHours, limits) {
      const command = new library.IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours })
      await ask((options) => client.send(command, options), limits)
    },
    close() {
      closing.abort(new TransientError('QUEUE_UNAVAILABLE', 'the queue was closed'))
      client.destroy()
    },
  }

  function unreadable(): never {
    const text = `Kinesis at ${place.address} (${place.setting}) gave an answer that lacks what it must have`
    throw new TransientError('QUEUE_UNAVAILABLE', text)
  }
}

async function found<T>(find: () => Promise<T>, otherwise: string): Promise<T> {
  try {
    return await find()
  } catch (error) {
    throw new HeadwaterError('QUEUE_REFUSED', otherwise, { cause: error })
  }
}

function startOf(
  after: Position,
): Pick<GetShardIteratorInput, 'ShardIteratorType' | 'StartingSequenceNumber'> {
  if (after === SHARD_END) throw new Error('nothing comes after the end of a shard')
  if (after === TRIM_HORIZON || after === 'LATEST') return { ShardIteratorType: after }
  return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: after }
}
