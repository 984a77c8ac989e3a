import { execFile } from 'node:child_process'
import { hash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { MongoClient } from 'mongodb'
import { temporaryFolder } from '../temp.ts'
import { jarsOf, missingProgram } from './programs.ts'
import { freePorts, type ServerProcess, startServer, type Unavailable } from './process.ts'

export interface MongodbServer extends AsyncDisposable {
  readonly skip: false
  readonly url: string
  /** A database of its own, which is gone when this is disposed. */
  readonly database: string
  /** The primary. */
  readonly host: string
  readonly port: number
  /** What reaches the primary through a wire that is laid to it. */
  readonly urlThrough: (wire: { readonly port: number }) => string
  /** The stand-in, which may be ended; absent where the database is somebody else's, a real one. */
  readonly standIn?: ServerProcess
}

/** Makes sure that all that has to be downloaded and built is there. */
export async function fetchMongodb(): Promise<void> {
  if (
    process.env['MONGODB_URL'] === undefined &&
    (await missingProgram('java', 'javac', 'mvn')) === undefined
  )
    await standIn()
}

/**
 * The MongoDB at `MONGODB_URL`, else a stand-in that is started here: mongo-java-server, which keeps what it acknowledged, and
 * knows no replica set, no transactions and no passwords.
 */
export async function mongodbServer(): Promise<Unavailable | MongodbServer> {
  const url = process.env['MONGODB_URL']
  if (url !== undefined) return givenServer(url)
  return (await missingProgram('java', 'javac', 'mvn')) ?? startStandIn()
}

async function givenServer(url: string): Promise<MongodbServer> {
  const database = `headwater-test-${randomUUID()}`
  const client = await MongoClient.connect(url)
  const { primary, me } = (await client.db('admin').command({ hello: 1 })) as {
    primary?: string
    me?: string
  }
  const [host = '', port = ''] = (primary ?? me ?? client.options.hosts.map(String)[0] ?? '').split(':')
  return {
    skip: false,
    url,
    database,
    host,
    port: Number(port),
    urlThrough: (wire) => urlThrough(url, wire.port),
    async [Symbol.asyncDispose]() {
      await client.db(database).dropDatabase()
      await client.close()
    },
  }
}

/** The same user and options, but one server alone, whatever it says of others. */
function urlThrough(url: string, port: number): string {
  const [, user = '', path = '/', query = ''] =
    /^mongodb:\/\/([^@/]*@)?[^/?]+(\/[^?]*)?(?:\?(.*))?$/.exec(url) ?? []
  const options = new URLSearchParams(query)
  options.delete('replicaSet')
  options.set('directConnection', 'true')
  return `mongodb://${user}127.0.0.1:${port}${path}?${options.toString()}`
}

async function startStandIn(): Promise<MongodbServer> {
  const { folder: classes, classPath } = await standIn()
  const folder = await temporaryFolder()
  const [port = 0] = await freePorts(1)
  const path = [classes, classPath].join(delimiter)
  const java = [
    `-Xmx${process.env['HEADWATER_MONGODB_HEAP'] ?? '768m'}`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    path,
  ]
  const server = await startServer({
    command: 'java',
    args: [
      ...java,
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
      'StandIn',
      String(port),
      join(folder.path, 'data'),
    ],
    log: join(folder.path, 'log'),
    ready: (printed) => printed.includes('READY'),
  })
  return {
    skip: false,
    url: `mongodb://127.0.0.1:${port}`,
    database: 'headwater',
    host: '127.0.0.1',
    port,
    urlThrough: (wire) => `mongodb://127.0.0.1:${wire.port}`,
    standIn: server,
    async [Symbol.asyncDispose]() {
      await server.kill()
      await folder[Symbol.asyncDispose]()
    },
  }
}

const SOURCE = join(import.meta.dirname, 'mongodb-stand-in', 'StandIn.java')

/** The compiled stand-in, beside the libraries it needs. */
async function standIn() {
  const version = hash('sha256', await readFile(SOURCE), 'hex').slice(0, 12)
  return jarsOf(
    `mongodb-stand-in-${version}`,
    [
      { group: 'de.bwaldvogel', artifact: 'mongo-java-server', version: '1.47.0' },
      { group: 'de.bwaldvogel', artifact: 'mongo-java-server-h2-backend', version: '1.47.0' },
      { group: 'org.slf4j', artifact: 'slf4j-simple', version: '2.0.17' },
    ],
    async (folder, classPath) => {
      await promisify(execFile)('javac', ['-cp', classPath, '-d', folder, SOURCE])
    },
  )
}
