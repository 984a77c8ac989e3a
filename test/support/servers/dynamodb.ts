import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jarsOf, missingProgram } from './programs.ts'
import { freePorts, isListening, type ServerProcess, startServer, type Unavailable } from './process.ts'
import { startProxy, type TcpProxy } from './proxy.ts'

const VERSION = '3.3.1'
/** Where there is one: DynamoDB Local waits for the disk with every item. */
const MEMORY_DISK = '/dev/shm'

export interface DynamoDBServer extends AsyncDisposable {
  readonly skip: false
  /** What reaches it, as a person writes it: through the wire, where there is one. */
  readonly settings: { readonly endpoint?: string; readonly region: string }
  /** Absent where the server is not ours, and can't be ended. */
  readonly own?: {
    readonly port: number
    readonly wire: TcpProxy
    readonly database: ServerProcess
  }
}

/**
 * The service or server at `HEADWATER_TEST_DYNAMODB` (a URL, or `aws` for the service in the region of the environment),
 * else DynamoDB Local, Amazon's own server for development, with data that is gone with it.
 */
export async function dynamodbServer(): Promise<Unavailable | DynamoDBServer> {
  const address = process.env['HEADWATER_TEST_DYNAMODB']
  const region = process.env['AWS_REGION'] ?? 'eu-central-1'
  if (address === 'aws') return { skip: false, settings: { region }, async [Symbol.asyncDispose]() {} }
  // Any will do, and some must be there.
  process.env['AWS_ACCESS_KEY_ID'] ??= 'headwater'
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'headwater'
  if (address === undefined) return startDynamoDBLocal(region)
  return { skip: false, settings: { endpoint: address, region }, async [Symbol.asyncDispose]() {} }
}

async function startDynamoDBLocal(region: string): Promise<Unavailable | DynamoDBServer> {
  const missing = await missingProgram('java', 'mvn')
  if (missing) return missing
  const { folder, classPath } = await jars()
  const data = await mkdtemp(join(await diskFor(), 'headwater-dynamodb-'))
  const log = join(data, 'log')
  const [port = 0] = await freePorts(1)
  const server = await startServer({
    command: 'java',
    args: [
      '-Xmx1g',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      `-Djava.library.path=${join(folder, 'lib')}`,
      '-cp',
      classPath,
      'software.amazon.dynamodb.services.local.main.ServerRunner',
      '-port',
      String(port),
      '-sharedDb',
      '-disableTelemetry',
      '-dbPath',
      data,
    ],
    log,
    ready: () => isListening(port),
  })
  const wire = await startProxy({ port })
  return {
    skip: false,
    settings: { endpoint: `http://127.0.0.1:${wire.port}`, region },
    own: {
      port,
      wire,
      database: server,
    },
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]()
      await server.kill()
      await rm(data, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Fills the cache. */
export async function fetchDynamoDB(): Promise<void> {
  if ((await missingProgram('java', 'mvn')) === undefined) await jars()
}

async function diskFor(): Promise<string> {
  return access(MEMORY_DISK).then(
    () => MEMORY_DISK,
    () => tmpdir(),
  )
}

const jars = () =>
  jarsOf(`dynamodb-local-${VERSION}-jars`, [
    { group: 'software.amazon.dynamodb', artifact: 'DynamoDBLocal', version: VERSION },
  ])
