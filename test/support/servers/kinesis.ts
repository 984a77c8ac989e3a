import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '../temp.ts'
import { cached } from './cache.ts'
import { freePorts, isListening, type ServerProcess, startServer, type Unavailable } from './process.ts'

const VERSION = '0.7.0'
const NAME = `ferrokinesis-${VERSION}`
/** A build on a small machine takes minutes. */
const BUILD_MS = 1_800_000

export interface KinesisOptions {
  /** Whether a shard takes 1 MB and 1,000 records a second, and no more. */
  readonly enforceLimits?: boolean
  readonly iteratorTtlSeconds?: number
  /** Whether what it took outlives its end. */
  readonly isDurable?: boolean
}

export interface KinesisServer extends ServerProcess {
  readonly skip: false
  /** On 127.0.0.1. */
  readonly port: number
  /** Begins again where it ended, if it is durable. */
  readonly restart: () => Promise<void>
}

/**
 * ferrokinesis, an emulator of Amazon Kinesis: the one of `HEADWATER_TEST_KINESIS` (a port of this machine), else one of its
 * own, built by cargo once, as it always is where there are options. What it can't show: permissions and credentials, which it takes all; five reads a second and
 * shard; how far a reader is behind, which it always says is 0; arrival times finer than a second; what AWS does on its own.
 */
export async function kinesisServer(options: KinesisOptions = {}): Promise<Unavailable | KinesisServer> {
  const given = process.env['HEADWATER_TEST_KINESIS']
  if (given !== undefined && Object.keys(options).length === 0) return givenServer(Number(given))
  const program = await find()
  if (program === undefined) {
    const reason = `ferrokinesis is not here, and no cargo to build it: cargo install ferrokinesis --version ${VERSION} --locked --root ~/.cache/headwater/${NAME}`
    if (process.env['CI'] === 'true') throw new Error(reason)
    return { skip: reason }
  }
  return start(program, options)
}

/** Builds it, where it is not in the cache yet. */
export async function fetchKinesis(): Promise<void> {
  await find()
}

async function find(): Promise<string | undefined> {
  const execute = promisify(execFile)
  try {
    const folder = await cached(NAME, async (root) => {
      const args = ['install', 'ferrokinesis', '--version', VERSION, '--locked', '--root', root]
      await execute('cargo', args, { timeout: BUILD_MS, maxBuffer: 2 ** 26 })
    })
    return join(folder, 'bin/ferrokinesis')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function start(program: string, options: KinesisOptions): Promise<KinesisServer> {
  const { enforceLimits = false, iteratorTtlSeconds = 300, isDurable = false } = options
  const folder = await temporaryFolder()
  const state = join(folder.path, 'state')
  await mkdir(state)
  const [port = 0] = await freePorts(1)
  const args = [
    ['--port', String(port)],
    ['--shard-limit', '100000'],
    ['--create-stream-ms', '20'],
    ['--update-stream-ms', '50'],
    ['--iterator-ttl-seconds', String(iteratorTtlSeconds)],
    ['--enforce-limits', String(enforceLimits)],
    ['--log-level', 'warn'],
    ...(isDurable ? [['--state-dir', state]] : []),
  ].flat()
  const server = await startServer({
    command: program,
    args,
    log: join(folder.path, 'ferrokinesis.log'),
    ready: () => isListening(port),
  })
  return {
    skip: false,
    port,
    ...server,
    async stop() {
      await server.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

function givenServer(port: number): KinesisServer {
  const foreign = (): never => {
    throw new Error('a server that was given is not ours to stop')
  }
  return {
    skip: false,
    port,
    freeze: foreign,
    thaw: foreign,
    kill: foreign,
    restart: foreign,
    stop: async () => {},
  }
}
