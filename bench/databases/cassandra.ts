import { type Client, Client as Driver, concurrent, types } from 'cassandra-driver'
import cassandra from '../../src/stores/cassandra/index.ts'
import { bucketOf, type Path, PATHS, shardOf } from '../../src/stores/cassandra/paths.ts'
import { insertInto } from '../../src/stores/cassandra/pointers.ts'
import { COLUMNS, type Places, RECORD_COLUMNS, rowOf } from '../../src/stores/cassandra/row.ts'
import { context, provisioned } from '../../test/support/cassandra.ts'
import { type CassandraServer, cassandraServer } from '../../test/support/servers/cassandra.ts'
import { type Bare, BATCH, type StartDatabase } from './database.ts'

interface Query {
  readonly query: string
  readonly params: unknown[]
}

/** What the adapter has under way at a time. */
const CONCURRENCY = 128

/** A node of its own, which confirms what is on its disk. */
export const startCassandra: StartDatabase = async () => {
  const server = await cassandraServer({ commitLog: 'group', mayKill: true, isMeasured: true })
  if (server.skip !== false) return server.skip
  return {
    most: 20_000,
    open: async (name) => cassandra.open(await provisioned(server, name), context),
    async bare(name) {
      await provisioned(server, name)
      return openBare(server, name)
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function openBare(server: CassandraServer, keyspace: string): Promise<Bare> {
  const { contactPoint, dataCenter, username, password } = server
  const client = new Driver({
    contactPoints: [contactPoint],
    localDataCenter: dataCenter,
    credentials: { username, password },
    keyspace,
    encoding: { useBigIntAsLong: true },
    queryOptions: { consistency: types.consistencies.localQuorum, isIdempotent: true, prepare: true },
  })
  await client.connect()
  const listed = new Set<string>()
  return {
    async prepare(arrivals) {
      const rows = arrivals.map((arrival) => rowOf(arrival, 0))
      const pointers = rows.flatMap(({ places }) => pointersTo(places, listed))
      const inserts = rows.map(({ columns, writtenAt }) => ({
        query: INSERT,
        params: [...COLUMNS.map((column) => columns[column] ?? null), writtenAt],
      }))
      return async () => {
        // No row is there without what points to it.
        await all(client, pointers)
        await all(client, inserts)
      }
    },
    async *scan() {
      for await (const keys of keysByHour(client)) {
        for (let at = 0; at < keys.length; at += BATCH) {
          const queries = keys.slice(at, at + BATCH).map((key) => ({ query: SELECT, params: [key] }))
          yield (await all(client, queries)).flat()
        }
      }
    },
    [Symbol.asyncDispose]: () => client.shutdown(),
  }
}

/** The first write wins, since its time is the greatest. */
const INSERT = `${insertInto('reviews', COLUMNS)} USING TIMESTAMP ?`
const SELECT = `SELECT ${RECORD_COLUMNS.join(', ')} FROM reviews WHERE key = ?`

/** All of them, many at a time. Resolves to the rows of each. */
async function all(client: Client, queries: readonly Query[]): Promise<readonly types.Row[][]> {
  const { errors, resultItems } = await concurrent.executeConcurrent(client, [...queries], {
    concurrencyLevel: CONCURRENCY,
    raiseOnFirstError: false,
    collectResults: true,
  })
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} requests failed`)
  return (resultItems as types.ResultSet[]).map(({ rows }) => rows)
}

/** What the adapter writes beside a row; the lists of partitions have each of them once. */
function pointersTo(places: Places, listed: Set<string>): Query[] {
  const { key, receivedAt } = places
  const shard = shardOf(key)
  return Object.values(PATHS).flatMap(({ table, columns, partition, nameOf, list }: Path): Query[] => {
    const name = nameOf(places)
    if (name === undefined) return []
    const bucket = list ? bucketOf(list.width, receivedAt) : ''
    const query = insertInto(table, [...columns, 'received_at', 'key'])
    const pointer = { query, params: [...partition(name, bucket, shard), new Date(receivedAt), key] }
    const id = `${table} ${name} ${bucket} ${shard}`
    if (!list || listed.has(id)) return [pointer]
    listed.add(id)
    return [{ query: insertInto(list.table, list.columns), params: [name, bucket, shard] }, pointer]
  })
}

/** The keys of each hour by time, which a partition has for each shard. */
async function* keysByHour(client: Client): AsyncGenerator<readonly string[]> {
  const buckets = await client.execute("SELECT hour, shard FROM time_buckets WHERE path = 'time'")
  for (const of of Map.groupBy(buckets.rows, ({ hour }) => hour as string).values()) {
    const queries = of.map(({ hour, shard }) => ({
      query: 'SELECT received_at, key FROM by_time WHERE hour = ? AND shard = ?',
      params: [hour, shard],
    }))
    const pointers = (await all(client, queries)).flat()
    const sorted = pointers.toSorted((a, b) => Number(a['received_at']) - Number(b['received_at']))
    yield sorted.map(({ key }) => key as string)
  }
}
