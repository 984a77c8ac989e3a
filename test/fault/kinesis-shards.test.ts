import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  type Shard,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Logger } from '../../src/adapter.ts'
import type { Message, Queue } from '../../src/queues/queue.ts'
import { startProgram } from '../support/cli.ts'
import { createProvisioner, kinesisSettings, openKinesis, useTestCredentials } from '../support/kinesis.ts'
import { openKinesisFront } from '../support/kinesis-front.ts'
import { queueContext, silent } from '../support/queue-context.ts'
import { type KinesisOptions, kinesisServer } from '../support/servers/kinesis.ts'
import { temporaryFolder } from '../support/temp.ts'

const LIMIT_MS = 60_000
const KEYS = 64
const NO_GROUP = ''
/** Bytes of a message: of one of each key together they are 1.25 MiB. */
const LARGE = 20 * 1_024

useTestCredentials()
const found = await kinesisServer()
if (found.skip !== false) {
  test('kinesis', { skip: found.skip }, () => {})
} else {
  const server = found
  const folder = await temporaryFolder()
  after(async () => {
    await server.stop()
    await folder[Symbol.asyncDispose]()
  })

  const settingsOf = (port: number, more: object = {}) => ({ ...kinesisSettings(port), ...more })

  /** A stream of so many shards, and its client. */
  async function provision(topic: string, shards: number, port = server.port): Promise<KinesisClient> {
    await createProvisioner(settingsOf(port, { shards }), folder.path)(topic)
    const endpoint = `http://127.0.0.1:${port}`
    return new KinesisClient({ region: 'us-east-1', endpoint, requestHandler: new NodeHttpHandler() })
  }

  const open = (topic: string, port = server.port, more: object = {}, logger: Logger = silent) =>
    openKinesis(settingsOf(port, more), queueContext(folder.path, topic, logger))

  async function emulator(options: KinesisOptions, use: (port: number) => Promise<void>): Promise<void> {
    const own = await kinesisServer(options)
    if (own.skip !== false) throw new Error(own.skip)
    try {
      await use(own.port)
    } finally {
      await own.stop()
    }
  }

  describe('kinesis queue, shards and limits', () => {
    test('reads the children after their parents while shards are split and merged', async () => {
      const topic = 'split-and-merge'
      const client = await provision(topic, 2)
      await using queue = await open(topic)
      await using other = await open(topic)
      const seen: Message[] = []
      const readers = [reader(queue, seen), reader(other, seen)]
      const alone = reader(queue, [], NO_GROUP)
      let rounds = 0
      const publish = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n++) await queue.publish(round(rounds++))
      }
      await publish(10)
      await changing(client, topic, split, () => publish(1))
      await publish(10)
      await changing(client, topic, merge, () => publish(1))
      await changing(client, topic, split, () => publish(1))
      await publish(10)
      await until(() => new Set(seen.map(identity)).size === rounds * KEYS)
      await until(() => new Set(alone.seen.map(identity)).size === rounds * KEYS)
      await Promise.all([...readers, alone].map((each) => each.stop()))
      assertOrdered(seen, rounds)
      assertOrdered(alone.seen, rounds)
      assert.equal(alone.seen.length, rounds * KEYS)
      await other.caughtUp?.('g', { signal: AbortSignal.timeout(LIMIT_MS) })
      assert.equal(await other.oldestAgeMs?.('g'), 0)
      client.destroy()
    })

    test('goes on from where it was when its iterators expire', async () => {
      await emulator({ iteratorTtlSeconds: 1 }, async (port) => {
        const topic = 'expired'
        await provision(topic, 1, port)
        let expired = 0
        await using front = await openKinesisFront(port)
        await using queue = await open(
          topic,
          front.port,
          { pollIntervalMs: '1500ms' },
          {
            ...silent,
            warn: () => void expired++,
          },
        )
        const seen: Message[] = []
        const reading = reader(queue, seen)
        for (let n = 0; n < 3; n++) {
          await queue.publish(round(n))
          await until(() => seen.length === (n + 1) * KEYS)
        }
        await reading.stop()
        assertOrdered(seen, 3)
        assert.equal(expired, 0, 'an iterator that expires is no trouble to tell of')
        assert.ok(front.expiredIterators > 0, 'the check itself must see one')
      })
    })

    test('shares the shards with a reader of another process, and takes all once that is killed', async () => {
      const topic = 'killed'
      await provision(topic, 4)
      await using queue = await open(topic)
      const seen: Message[] = []
      const reading = reader(queue, seen)
      const args = [
        join(import.meta.dirname, '../support/queue-reader.ts'),
        join(import.meta.dirname, '../../src/queues/kinesis/index.ts'),
        topic,
        'g',
        folder.path,
        JSON.stringify(settingsOf(server.port)),
      ]
      await using program = startProgram(process.execPath, args)
      await program.waitFor(/reading/)
      let rounds = 0
      let isShared = false
      const shared = program.waitFor(/^\d+$/).then(() => (isShared = true))
      while (!isShared) await queue.publish(round(rounds++))
      await shared
      await program.kill()
      // All four shards come to the one that is left.
      const before = seen.length
      const last = rounds
      await queue.publish(round(rounds++))
      const isWhole = () => seen.slice(before).filter(({ body }) => Number(body.toString()) >= last).length
      await until(() => isWhole() >= KEYS)
      await reading.stop()
    })

    test('sends again only what was refused, and nothing of a key before it', async () => {
      const topic = 'refused'
      await provision(topic, 2)
      let asked = 0
      await using front = await openKinesisFront(server.port, { refuse: () => asked++ % 3 === 0 })
      await using queue = await open(topic, front.port)
      const rounds = 10
      const publishing = Array.from({ length: rounds }, (_, n) => queue.publish(round(n)))
      for (const rejections of await Promise.all(publishing)) assert.deepEqual(rejections, [])
      const kept = await readAll(queue, rounds * KEYS)
      assert.equal(kept.length, rounds * KEYS)
      assertOrdered(kept, rounds)
      const sent = front.puts.reduce((sum, records) => sum + records.length, 0)
      assert.equal(sent, rounds * KEYS + Math.ceil(sent / 3))
      for (const records of front.puts)
        assert.equal(new Set(records.map(({ PartitionKey }) => PartitionKey)).size, records.length)
    })

    test('outlasts the limits of a shard, and keeps each record once and in order', async () => {
      await emulator({ enforceLimits: true }, async (port) => {
        const topic = 'limits'
        await provision(topic, 1, port)
        await using front = await openKinesisFront(port)
        await using queue = await open(topic, front.port)
        const rounds = 5
        // One of each key is a request, and alone more than a shard takes in a second.
        const publish = (n: number) => queue.publish(round(n, LARGE))
        await Promise.all(Array.from({ length: rounds }, (_, n) => publish(n)))
        const sent = front.puts.reduce((sum, records) => sum + records.length, 0)
        assert.ok(sent > rounds * KEYS, 'the check itself must see a refusal')
        const kept = await readAll(queue, rounds * KEYS)
        assert.equal(kept.length, rounds * KEYS)
        assertOrdered(kept, rounds)
      })
    })

    test('says what Kinesis said last when a publish comes to its end', async () => {
      const topic = 'never'
      await provision(topic, 1)
      await using front = await openKinesisFront(server.port, { refuse: () => true })
      await using queue = await open(topic, front.port, { publishTimeoutMs: '2s' })
      await assert.rejects(queue.publish(round(0)), {
        code: 'QUEUE_UNAVAILABLE',
        message: /did not confirm 64 records within 2 s.*ProvisionedThroughputExceededException/,
      })
    })

    test('stays within five reads a second, or waits', async () => {
      const topic = 'five-reads'
      await provision(topic, 1)
      await using front = await openKinesisFront(server.port, { readsPerSecond: 5 })
      let warnings = 0
      const logger: Logger = { ...silent, warn: () => void warnings++ }
      await using queue = await open(topic, front.port, { pollIntervalMs: '250ms' }, logger)
      const readers = [reader(queue, []), reader(queue, [], 'second'), reader(queue, [], 'third')]
      for (let n = 0; n < 5; n++) await queue.publish(round(n))
      for (const { seen } of readers) await until(() => seen.length === 5 * KEYS)
      await until(() => front.throttledReads > 0)
      await Promise.all(readers.map((each) => each.stop()))
      assert.equal(warnings, 0, 'to be asked to wait is no trouble to tell of')
    })
  })
}

/** Reads and acknowledges until it is stopped. */
function reader(queue: Queue, seen: Message[], group = 'g') {
  const stop = new AbortController()
  const options = { signal: stop.signal, maxItems: 50, ...(group !== NO_GROUP && { group }) }
  const reading = (async () => {
    for await (const batch of queue.read(options)) {
      seen.push(...batch.items)
      await batch.ack()
    }
  })()
  reading.catch(() => {})
  return {
    seen,
    async stop() {
      stop.abort()
      await reading
    },
  }
}

/** All that is kept, as a reader without a group sees it: so many, and what comes with the last. */
async function readAll(queue: Queue, count: number): Promise<readonly Message[]> {
  const kept: Message[] = []
  for await (const { items } of queue.read({ signal: AbortSignal.timeout(LIMIT_MS) })) {
    kept.push(...items)
    if (kept.length >= count) break
  }
  return kept
}

/** One message of each key, with the number of the round, of so many bytes at least. */
const round = (n: number, bytes = 1): Message[] =>
  Array.from({ length: KEYS }, (_, key) => ({
    key: `key-${key}`,
    body: Buffer.from(String(n).padStart(bytes)),
  }))

const identity = ({ key, body }: Message): string => `${key} ${body.toString()}`

function assertOrdered(seen: readonly Message[], rounds: number): void {
  for (const [key, ofKey] of Map.groupBy(seen, (message) => message.key)) {
    const order = [...new Set(ofKey.map(({ body }) => Number(body.toString())))]
    assert.deepEqual(
      order,
      Array.from({ length: rounds }, (_, n) => n),
      key,
    )
  }
}

/** Works on until the change of the shards is there, and a little of what follows went to the new ones. */
async function changing(
  client: KinesisClient,
  topic: string,
  change: (client: KinesisClient, topic: string, open: readonly Shard[]) => Promise<void>,
  work: () => Promise<void>,
): Promise<void> {
  const shards = async () => (await client.send(new ListShardsCommand({ StreamName: topic }))).Shards ?? []
  const before = await shards()
  const isOpen = ({ SequenceNumberRange: range }: Shard): boolean => range?.EndingSequenceNumber === undefined
  await change(client, topic, before.filter(isOpen))
  const giveUpAt = performance.now() + LIMIT_MS
  while ((await shards()).length === before.length) {
    assert.ok(performance.now() < giveUpAt, 'the shards did not change')
    await work()
  }
}

async function split(client: KinesisClient, topic: string, [shard]: readonly Shard[]): Promise<void> {
  const { StartingHashKey: from = '0', EndingHashKey: to = '0' } = shard?.HashKeyRange ?? {}
  const middle = ((BigInt(from) + BigInt(to)) / 2n).toString()
  const ShardToSplit = shard?.ShardId
  await client.send(new SplitShardCommand({ StreamName: topic, ShardToSplit, NewStartingHashKey: middle }))
}

async function merge(client: KinesisClient, topic: string, open: readonly Shard[]): Promise<void> {
  const start = ({ HashKeyRange: range }: Shard): bigint => BigInt(range?.StartingHashKey ?? 0)
  const [first, second] = open.toSorted((a, b) => (start(a) < start(b) ? -1 : 1))
  const input = { ShardToMerge: first?.ShardId, AdjacentShardToMerge: second?.ShardId }
  await client.send(new MergeShardsCommand({ StreamName: topic, ...input }))
}

/** Looks again and again until what comes from outside has come. */
async function until(holds: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + LIMIT_MS
  while (!holds()) {
    assert.ok(performance.now() < giveUpAt, 'it did not come in time')
    await sleep(10)
  }
}
