import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '../temp.ts'
import { freePorts, type ServerProcess, startServer, type Unavailable } from './process.ts'
import { jarsOf, missingProgram } from './programs.ts'
import { startProxy, type TcpProxy } from './proxy.ts'

const execute = promisify(execFile)
const VERSION = '4.3.1'

export interface KafkaServer extends AsyncDisposable {
  readonly skip: false
  /** Where it is reached: through the wire, where there is one. */
  readonly address: string
  /** Absent where the broker is not ours, and neither can be ended. */
  readonly own?: {
    readonly wire: TcpProxy
    /** Its other listeners, where they were asked for. */
    readonly ports: Readonly<Record<string, number>>
    readonly broker: ServerProcess
  }
}

export interface KafkaOptions {
  /** More listeners, by name: what `listener.security.protocol.map` says of them. */
  readonly listeners?: Readonly<Record<string, 'PLAINTEXT' | 'SASL_PLAINTEXT' | 'SSL' | 'SASL_SSL'>>
  /** More lines of server.properties. */
  readonly properties?: Readonly<Record<string, string | number>>
  /** `--add-scram` of the storage tool. */
  readonly scram?: readonly string[]
  readonly javaOptions?: readonly string[]
}

/** The broker at `HEADWATER_TEST_KAFKA`, else a single one of our own, on ports of its own, whose data is gone with it. */
export async function kafkaServer(options: KafkaOptions = {}): Promise<Unavailable | KafkaServer> {
  const address = process.env['HEADWATER_TEST_KAFKA']
  return address === undefined
    ? startKafka(options)
    : { skip: false, address, async [Symbol.asyncDispose]() {} }
}

async function startKafka(options: KafkaOptions): Promise<Unavailable | KafkaServer> {
  const missing = await missingProgram('java', 'mvn')
  if (missing !== undefined) return missing
  const { classPath } = await jars()
  const folder = await temporaryFolder()
  const names = Object.keys(options.listeners ?? {})
  const [port = 0, controller = 0, behindProxy = 0, proxied = 0, ...others] = await freePorts(
    4 + names.length,
  )
  const ports = Object.fromEntries(names.map((name, n) => [name, others[n] ?? 0]))
  const file = join(folder.path, 'server.properties')
  const properties = propertiesOf(options, {
    data: join(folder.path, 'data'),
    port,
    controller,
    behindProxy,
    proxied,
    ports,
  })
  await writeFile(file, properties)

  const java = (heap: string): string[] => [
    heap,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    classPath,
  ]
  const scram = (options.scram ?? []).flatMap((credential) => ['--add-scram', credential])
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'Y2xhc3MtbG9hZGVyLWlkZQ', '-c', file, ...scram]
  await execute('java', [...java('-Xmx128m'), ...format])

  const server = await startServer({
    command: 'java',
    args: [
      ...java('-Xmx512m'),
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
      ...(options.javaOptions ?? []),
      'kafka.Kafka',
      file,
    ],
    log: join(folder.path, 'log'),
    ready: (printed) => printed.includes('Kafka Server started'),
  })
  const wire = await startProxy({ port: behindProxy }, proxied)
  return {
    skip: false,
    address: `127.0.0.1:${proxied}`,
    own: {
      wire,
      ports,
      broker: server,
    },
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]()
      await server.kill()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Fills the cache. */
export async function fetchKafka(): Promise<void> {
  if ((await missingProgram('java', 'mvn')) === undefined) await jars()
}

interface Places {
  readonly data: string
  readonly port: number
  readonly controller: number
  /** Where it listens for what comes through the wire, and where the wire begins, which is what clients are told. */
  readonly behindProxy: number
  readonly proxied: number
  readonly ports: Readonly<Record<string, number>>
}

/** One broker that is its own controller; every internal topic has one replica. */
function propertiesOf(options: KafkaOptions, places: Places): string {
  const { data, port, controller, behindProxy, proxied, ports } = places
  const at = (name: string, number: number): string => `${name}://127.0.0.1:${number}`
  const own = Object.entries(ports).map(([name, number]) => at(name, number))
  const protocols = {
    PLAINTEXT: 'PLAINTEXT',
    PROXIED: 'PLAINTEXT',
    CONTROLLER: 'PLAINTEXT',
    ...options.listeners,
  }
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: [
      at('PLAINTEXT', port),
      at('PROXIED', behindProxy),
      at('CONTROLLER', controller),
      ...own,
    ].join(),
    'advertised.listeners': [at('PLAINTEXT', port), at('PROXIED', proxied), ...own].join(),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': Object.entries(protocols)
      .map((pair) => pair.join(':'))
      .join(),
    'log.dirs': data,
    'auto.create.topics.enable': false,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 500,
    ...options.properties,
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const jars = () =>
  jarsOf(`kafka-with-tools-${VERSION}`, [
    { group: 'org.apache.kafka', artifact: 'kafka_2.13', version: VERSION },
    { group: 'org.apache.kafka', artifact: 'kafka-tools', version: VERSION, without: CONNECT },
    { group: 'org.slf4j', artifact: 'slf4j-simple', version: '1.7.36' },
  ])

/** Parts of Kafka Connect, which the tools bring and nobody here needs. */
const CONNECT = ['connect-runtime', 'connect-api', 'connect-json', 'connect-transforms']

/** The console consumer that comes with Kafka, reading all that a topic has, a value a line. */
export async function kafkaConsole(address: string, topic: string) {
  const { classPath } = await jars()
  const consumer = 'org.apache.kafka.tools.consumer.ConsoleConsumer'
  const args = [
    '-Xmx256m',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    classPath,
    consumer,
    '--bootstrap-server',
    address,
  ]
  return { command: 'java', args: [...args, '--topic', topic, '--from-beginning', '--timeout-ms', '10000'] }
}
