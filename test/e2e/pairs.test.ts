import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { run } from '../support/cli.ts'
import { type Backends, eventually, freePort, json, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { cassandraServer } from '../support/servers/cassandra.ts'
import { dynamodbServer } from '../support/servers/dynamodb.ts'
import { kafkaServer } from '../support/servers/kafka.ts'
import { kinesisServer } from '../support/servers/kinesis.ts'
import { mongodbServer } from '../support/servers/mongodb.ts'
import { pubsubServer } from '../support/servers/pubsub.ts'
import { rabbitmqServer } from '../support/servers/rabbitmq.ts'
import { temporaryFolder } from '../support/temp.ts'
import { ownTopics } from '../support/topics.ts'

const COUNT = 500
const LIMIT_MS = 300_000

/** A section of a config, on a server that is started for it; or why there is none. */
type Section = () => Promise<object | string>

const disposal = new AsyncDisposableStack()
after(() => disposal.disposeAsync())

Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })

const QUEUES: Readonly<Record<string, Section>> = {
  embedded: async () => ({ type: 'embedded' }),
  kafka: once(async () => {
    const server = await kafkaServer()
    if (server.skip !== false) return server.skip
    disposal.use(server)
    return { type: 'kafka', brokers: [server.address], partitions: 4, replication: 1 }
  }),
  rabbitmq: once(async () => {
    const server = await rabbitmqServer()
    if (server.skip !== false) return server.skip
    disposal.use(server)
    const { user, password, host, port, vhost } = server
    return { type: 'rabbitmq', url: `amqp://${user}:${password}@${host}:${port}/${vhost}` }
  }),
  kinesis: once(async () => {
    const server = await kinesisServer()
    if (server.skip !== false) return server.skip
    disposal.defer(() => server.stop())
    return { type: 'kinesis', region: 'us-east-1', endpoint: `http://127.0.0.1:${server.port}` }
  }),
  pubsub: once(async () => {
    const server = await pubsubServer()
    if (server.skip !== false) return server.skip
    disposal.use(server)
    return {
      type: 'pubsub',
      project: 'test',
      endpoint: `http://127.0.0.1:${server.port}`,
      ack_deadline: '10s',
    }
  }),
}

const STORES: Readonly<Record<string, Section>> = {
  embedded: async () => ({ type: 'embedded' }),
  mongodb: once(async () => {
    const server = await mongodbServer()
    if (server.skip !== false) return server.skip
    disposal.use(server)
    return { type: 'mongodb', url: server.url, database: server.database }
  }),
  cassandra: once(async () => {
    const server = await cassandraServer({ commitLog: 'group' })
    if (server.skip !== false) return server.skip
    disposal.use(server)
    const { contactPoint, dataCenter, username, password } = server
    const replication = { [dataCenter]: 1 }
    return {
      type: 'cassandra',
      contact_points: [contactPoint],
      local_data_center: dataCenter,
      username,
      password,
      replication,
    }
  }),
  dynamodb: once(async () => {
    const server = await dynamodbServer()
    if (server.skip !== false) return server.skip
    disposal.use(server)
    return { type: 'dynamodb', ...server.settings }
  }),
}

/** Each queue and each store once; `HEADWATER_PAIRS=all` is every queue with every store. */
const PAIRS: readonly (readonly [string, string])[] =
  process.env['HEADWATER_PAIRS'] === 'all'
    ? Object.keys(QUEUES).flatMap((queue) => Object.keys(STORES).map((store) => [queue, store] as const))
    : [
        ['kafka', 'cassandra'],
        ['rabbitmq', 'mongodb'],
        ['kinesis', 'dynamodb'],
        ['pubsub', 'mongodb'],
        ['embedded', 'cassandra'],
        ['kafka', 'embedded'],
      ]

let names = 0

describe('every fifth of them at fault, and killed once', () => {
  for (const [queue, store] of PAIRS) {
    test(`${COUNT} reviews by way of ${queue} into ${store} are all there, once, as they came`, {
      timeout: LIMIT_MS,
    }, async (t) => {
      const sections = [await QUEUES[queue]?.(), await STORES[store]?.()] as const
      const missing = sections.find((section) => typeof section === 'string')
      if (missing !== undefined) return t.skip(String(missing))
      const [queueSection, storeSection] = sections as readonly [object, object]
      const own = queue === 'embedded' ? {} : ownTopics()
      await through({ queue: { ...queueSection, ...own }, store: { ...storeSection, ...apart(store) } })
    })
  }
})

async function through(backends: Backends): Promise<void> {
  await using folder = await temporaryFolder()
  const { path } = folder
  await writeConfig(path, '', await freePort(), backends)
  await json(['provision'], path)
  const bodies = Array.from({ length: COUNT }, (_, n) => itemAt(n))
  const first = await startUp(path)
  try {
    await post(first.webhook, bodies.slice(0, COUNT / 2))
  } finally {
    await first.process.kill()
  }
  const second = await startUp(path)
  await using process = second.process
  // What the killed one may not have answered is sent again, as every sender does.
  await post(second.webhook, bodies.slice(COUNT / 4))
  await eventually(
    async () => {
      const { records } = await json<{ records: number }>(['audit'], path)
      return records >= COUNT ? true : undefined
    },
    `${COUNT} records`,
    LIMIT_MS / 2,
  )
  assert.equal((await process.stop()).code, 0)

  const audited = await json<{ ok: boolean; records: number }>(['audit'], path)
  assert.deepEqual([audited.ok, audited.records], [true, COUNT])
  const { stdout } = await run(['reviews', 'export', '--raw'], { cwd: path })
  assert.deepEqual(stdout.trimEnd().split('\n').toSorted(), bodies.toSorted())
  const dead = await run(['dlq', 'list', '--limit', '1000', '--json'], { cwd: path })
  assert.equal(dead.stdout.trimEnd().split('\n').length, COUNT / 5)
}

/** Every fifth lacks its user. */
const itemAt = (n: number): string =>
  review(`R${n}`, { product_id: `B${n % 16}`, ...(n % 5 === 0 && { user_id: undefined }) })

async function post(url: string, bodies: readonly string[]): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(url, { method: 'POST', headers, body: bodies.join('\n') })
  assert.equal(answer.status, 202)
}

/** What keeps one store of a server apart from the others of it. */
function apart(store: string): object {
  names++
  if (store === 'cassandra') return { keyspace: `pairs${names}` }
  return store === 'embedded' ? {} : { prefix: `pairs${names}-` }
}

function once(section: Section): Section {
  let made: ReturnType<Section> | undefined
  return () => (made ??= section())
}
