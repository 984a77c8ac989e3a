import { DynamoDB } from '@aws-sdk/client-dynamodb'
import { inGroupsOf, inParallel } from '../../src/lib/parallel.ts'
import dynamodb from '../../src/stores/dynamodb/index.ts'
import { dayIn, keyIn, partitionOf, rowKey } from '../../src/stores/dynamodb/placing.ts'
import { encodeRow, keyOf, RECORD_ATTRIBUTES } from '../../src/stores/dynamodb/row.ts'
import { type Item, textIn } from '../../src/stores/dynamodb/values.ts'
import { silent } from '../../test/support/queue-context.ts'
import { dynamodbServer } from '../../test/support/servers/dynamodb.ts'
import { type Bare, BATCH, type StartDatabase } from './database.ts'

/** What one request takes, if it reads, and if it writes. */
const MOST_READ = 100
const MOST_WRITTEN = 25
/** How many requests are under way at a time. */
const IN_FLIGHT = 8

/** Amazon's own server for development, so that only what the client does is measured well. */
export const startDynamodb: StartDatabase = async () => {
  const server = await dynamodbServer()
  if (server.skip !== false) return server.skip
  const { settings, own } = server
  if (!own) {
    await server[Symbol.asyncDispose]()
    return 'measured on a server that is started for it, and HEADWATER_TEST_DYNAMODB names another'
  }
  // Not through the wire, which lies in this process and would be measured with the client.
  const endpoint = `http://127.0.0.1:${own.port}`
  const { region } = settings
  const context = { dataDir: '.', logger: silent, signal: new AbortController().signal }
  const provisioned = async (name: string) => {
    const config = dynamodb.config.parse({ region, endpoint, prefix: `${name}-`, timeoutMs: '30s' })
    await dynamodb.provision?.(config, context)
    return config
  }
  return {
    most: 8_000,
    open: async (name) => dynamodb.open(await provisioned(name), context),
    async bare(name) {
      const { prefix, shards } = await provisioned(name)
      return openBare(new DynamoDB({ region, endpoint }), `${prefix}reviews`, shards)
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function openBare(db: DynamoDB, table: string, shards: number): Bare {
  const days = new Set<string>()

  async function getAll(keys: readonly Item[], only: readonly string[]): Promise<Item[]> {
    const projection = {
      ProjectionExpression: only.map((name) => `#${name}`).join(', '),
      ExpressionAttributeNames: Object.fromEntries(only.map((name) => [`#${name}`, name])),
    }
    const read = async (some: readonly Item[]): Promise<Item[]> => {
      const how = { Keys: [...some], ConsistentRead: true, ...projection }
      const answer = await db.batchGetItem({ RequestItems: { [table]: how } })
      if (Object.keys(answer.UnprocessedKeys ?? {}).length > 0)
        throw new Error('some keys were not looked at')
      return answer.Responses?.[table] ?? []
    }
    return (await inParallel([...inGroupsOf(MOST_READ, keys)], read, IN_FLIGHT)).flat()
  }

  async function insertAll(items: readonly Item[]): Promise<void> {
    const insert = async (group: readonly Item[]): Promise<void> => {
      const { Responses: answers = [] } = await db.batchExecuteStatement({ Statements: group.map(insertion) })
      const failed = answers.find(({ Error: failure }) => failure && failure.Code !== 'DuplicateItem')
      if (failed || answers.length < group.length) throw new Error(failed?.Error?.Message ?? 'no answer')
    }
    await inParallel([...inGroupsOf(MOST_WRITTEN, items)], insert, IN_FLIGHT)
  }

  /** The items of a table's index, which each of its partitions has in order. */
  async function positionsOf(day: string): Promise<readonly string[]> {
    const partitions = Array.from({ length: shards }, (_, shard) => partitionOf(day, shard))
    const positionsIn = async (partition: string): Promise<readonly string[]> => {
      const arrived: string[] = []
      for (let start: Item | undefined, isFirst = true; isFirst || start; isFirst = false) {
        const page = await db.query({
          TableName: table,
          IndexName: 'by_time',
          KeyConditionExpression: 'day_shard = :partition',
          ExpressionAttributeValues: { ':partition': { S: partition } },
          Limit: BATCH,
          ...(start && { ExclusiveStartKey: start }),
        })
        arrived.push(...(page.Items ?? []).map((item) => textIn(item, 'arrived')))
        start = page.LastEvaluatedKey
      }
      return arrived
    }
    return (await inParallel(partitions, positionsIn, IN_FLIGHT)).flat().toSorted()
  }

  return {
    async prepare(arrivals) {
      const rows = await Promise.all(
        arrivals.map((arrival) => encodeRow(arrival, { shards, expireAfterMs: undefined }, 0)),
      )
      const items = rows.map(({ item }) => item)
      for (const item of items) days.add(dayIn(textIn(item, 'arrived')))
      const keys = arrivals.map(({ key }) => keyItem(key))
      return async () => {
        const there = new Set((await getAll(keys, ['review_half', 'content_half'])).map(keyOf))
        await insertAll(items.filter((item) => !there.has(keyOf(item))))
      }
    },
    async *scan() {
      for (const day of days) {
        const positions = await positionsOf(day)
        for (let at = 0; at < positions.length; at += BATCH) {
          const keys = positions.slice(at, at + BATCH).map((arrived) => keyItem(keyIn(arrived)))
          yield await getAll(keys, RECORD_ATTRIBUTES)
        }
      }
    },
    async [Symbol.asyncDispose]() {
      db.destroy()
    },
  }

  function insertion(item: Item) {
    const names = Object.keys(item)
    return {
      Statement: `INSERT INTO "${table}" VALUE {${names.map((name) => `'${name}': ?`).join(', ')}}`,
      Parameters: Object.values(item),
    }
  }
}

function keyItem(key: string): Item {
  const item = rowKey(key)
  if (item === undefined) throw new Error(`${key} is no record key`)
  return item
}
