import { execFile } from 'node:child_process'
import { hash, randomUUID } from 'node:crypto'
import { access, constants, copyFile, readFile, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { MongoClient } from 'mongodb'
import { temporaryFolder } from '../temp.ts'
import { cached } from './cache.ts'
import { freePorts, type ServerProcess, startServer, type Unavailable } from './process.ts'

const execute = promisify(execFile)

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
  readonly standIn?: {
    freeze(): void
    thaw(): void
    kill(): Promise<void>
    restart(): Promise<void>
  }
}

/** Makes sure that all that has to be downloaded and built is there. */
export async function fetchMongodb(): Promise<void> {
  if (process.env['MONGODB_URL'] === undefined && (await missingProgram()) === undefined)
    await standInFolder()
}

/**
 * The MongoDB at `MONGODB_URL`, else a stand-in that is started here: mongo-java-server, which keeps what it acknowledged, and
 * knows no replica set, no transactions and no passwords.
 */
export async function mongodbServer(): Promise<Unavailable | MongodbServer> {
  const url = process.env['MONGODB_URL']
  if (url !== undefined) return givenServer(url)
  return (await missingProgram()) ?? startStandIn()
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
  const [classes, folder, [port = 0]] = [await standInFolder(), await temporaryFolder(), await freePorts(1)]
  const path = [classes, join(classes, 'lib', '*')].join(delimiter)
  const java = ['-Xmx768m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', path]
  const start = (): Promise<ServerProcess> =>
    startServer({
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
  let server = await start()
  return {
    skip: false,
    url: `mongodb://127.0.0.1:${port}`,
    database: 'headwater',
    host: '127.0.0.1',
    port,
    urlThrough: (wire) => `mongodb://127.0.0.1:${wire.port}`,
    standIn: {
      freeze: () => server.freeze(),
      thaw: () => server.thaw(),
      kill: () => server.kill(),
      async restart() {
        await server.kill()
        server = await start()
      },
    },
    async [Symbol.asyncDispose]() {
      await server.kill()
      await folder[Symbol.asyncDispose]()
    },
  }
}

const SOURCES = join(import.meta.dirname, 'mongodb-stand-in')

/** The compiled stand-in and the libraries it needs, from Maven. */
async function standInFolder(): Promise<string> {
  const sources = await Promise.all(['pom.xml', 'StandIn.java'].map((name) => readFile(join(SOURCES, name))))
  const version = hash('sha256', Buffer.concat(sources), 'hex').slice(0, 12)
  return cached(`mongodb-stand-in-${version}`, async (folder) => {
    await copyFile(join(SOURCES, 'pom.xml'), join(folder, 'pom.xml'))
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
    await execute('mvn', ['-q', '-B', '-ntp', plugin, '-DoutputDirectory=lib'], { cwd: folder })
    await execute('javac', ['-cp', join(folder, 'lib', '*'), '-d', folder, join(SOURCES, 'StandIn.java')])
    await rm(join(folder, 'pom.xml'))
  })
}

/** Why there can be no stand-in. With `CI=true` that is an error. */
async function missingProgram(): Promise<Unavailable | undefined> {
  const there = await Promise.all(['java', 'javac', 'mvn'].map(isOnPath))
  if (there.every(Boolean)) return undefined
  const reason =
    'needs a MongoDB: MONGODB_URL, or java 17 and maven for a stand-in: apt-get install -y openjdk-17-jdk-headless maven'
  if (process.env['CI'] === 'true') throw new Error(reason)
  return { skip: reason }
}

async function isOnPath(program: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = await Promise.allSettled(
    folders.map((folder) => access(join(folder, program), constants.X_OK)),
  )
  return found.some(({ status }) => status === 'fulfilled')
}
