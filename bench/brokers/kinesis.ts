import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Message } from '../../src/queues/queue.ts'
import kinesis from '../../src/queues/kinesis/index.ts'
import { queueContext } from '../../test/support/queue-context.ts'
import { kinesisServer } from '../../test/support/servers/kinesis.ts'
import { temporaryFolder } from '../../test/support/temp.ts'
import { type Bare, type StartBroker } from './broker.ts'

const SHARDS = 4

/** An emulator, so that only what the client does is measured well. */
export const startKinesis: StartBroker = async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' })
  const server = await kinesisServer()
  if (server.skip !== false) return server.skip
  const folder = await temporaryFolder()
  const endpoint = `http://127.0.0.1:${server.port}`
  const config = kinesis.config.parse({
    region: 'us-east-1',
    endpoint,
    shards: SHARDS,
    pollIntervalMs: '10ms',
  })
  return {
    lingerMs: 20,
    async open(topic) {
      const context = queueContext(folder.path, topic)
      await kinesis.provision?.(config, context)
      return kinesis.open(config, context)
    },
    bare: (topic) => openBare(endpoint, topic),
    async [Symbol.asyncDispose]() {
      await server.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function openBare(endpoint: string, StreamName: string): Promise<Bare> {
  const client = new KinesisClient({
    region: 'us-east-1',
    endpoint,
    requestHandler: new NodeHttpHandler({ requestTimeout: 10_000, throwOnRequestTimeout: true }),
  })
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: SHARDS }))
  for (let status: string | undefined; status !== 'ACTIVE'; ) {
    const { StreamDescriptionSummary: summary } = await client.send(
      new DescribeStreamSummaryCommand({ StreamName }),
    )
    status = summary?.StreamStatus
  }
  return {
    async publish(messages) {
      for (const round of roundsOf(messages)) {
        const Records = round.map(({ key, body }) => ({ PartitionKey: key, Data: body }))
        const { FailedRecordCount: failed } = await client.send(
          new PutRecordsCommand({ StreamName, Records }),
        )
        if (failed) throw new Error(`${failed} records were refused`)
      }
    },
    async read(count) {
      const { Shards: shards = [] } = await client.send(new ListShardsCommand({ StreamName }))
      let left = count
      await Promise.all(
        shards.map(async ({ ShardId }) => {
          const start = new GetShardIteratorCommand({
            StreamName,
            ShardId,
            ShardIteratorType: 'TRIM_HORIZON',
          })
          let { ShardIterator: iterator } = await client.send(start)
          while (left > 0 && iterator !== undefined) {
            const page = await client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: 1_000 }))
            left -= page.Records?.length ?? 0
            iterator = page.NextShardIterator
          }
        }),
      )
    },
    async [Symbol.asyncDispose]() {
      client.destroy()
    },
  }
}

/** No key twice in one request, since a later record of it could be taken where an earlier one was not. */
function roundsOf(messages: readonly Message[]): readonly Message[][] {
  const rounds: Message[][] = []
  const times = new Map<string, number>()
  for (const message of messages) {
    const time = times.get(message.key) ?? 0
    times.set(message.key, time + 1)
    ;(rounds[time] ??= []).push(message)
  }
  return rounds
}
