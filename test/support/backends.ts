import { after } from 'node:test'
import { cassandraServer } from './servers/cassandra.ts'
import { dynamodbServer } from './servers/dynamodb.ts'
import { kafkaServer } from './servers/kafka.ts'
import { kinesisServer } from './servers/kinesis.ts'
import { mongodbServer } from './servers/mongodb.ts'
import { pubsubServer } from './servers/pubsub.ts'
import { rabbitmqServer } from './servers/rabbitmq.ts'

/** A section of a config, on a server that is started for it; or why there is none. */
export type Section = () => Promise<object | string>

const disposal = new AsyncDisposableStack()
after(() => disposal.disposeAsync())

Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })

/** Every queue, on a server that is started when it is first asked for and ended behind the tests of the file. */
export const QUEUES = {
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
} satisfies Readonly<Record<string, Section>>

/** Every store, likewise. */
export const STORES = {
  embedded: async () => ({ type: 'embedded' }),
  mongodb: once(async () => {
    const server = await mongodbServer()
    if (server.skip !== false) return server.skip
    disposal.use(server)
    return { type: 'mongodb', url: server.url, database: server.database }
  }),
  cassandra: once(async () => {
    const server = await cassandraServer({ commitLog: 'periodic' })
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
} satisfies Readonly<Record<string, Section>>

let names = 0

/** What keeps one store of a server apart from the others of it. */
export function apart(store: string): object {
  names++
  if (store === 'cassandra') return { keyspace: `apart${names}` }
  return store === 'embedded' ? {} : { prefix: `apart${names}-` }
}

function once<Made extends object>(section: () => Promise<Made | string>): typeof section {
  let made: ReturnType<typeof section> | undefined
  return () => (made ??= section())
}
