import { execFile } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type TemporaryFolder, temporaryFolder } from '../temp.ts'
import { cached } from './cache.ts'
import { freePorts, isListening, type ServerProcess, startServer, type Unavailable } from './process.ts'

export interface PubsubServer extends AsyncDisposable {
  readonly skip: false
  readonly host: string
  readonly port: number
  readonly freeze: () => void
  readonly thaw: () => void
  readonly kill: () => Promise<void>
  /** Starts it anew at the same port, with nothing in it: it keeps nothing. */
  readonly restart: () => Promise<void>
}

export interface PubsubOptions {
  /** A code that every call is answered with, such as `PERMISSION_DENIED`. */
  readonly refuse?: string
  /** Whether it has to be one that may be frozen and killed. */
  readonly own?: boolean
}

const sources = join(import.meta.dirname, 'pubsub-server')

/** The test server of Google's client for Go, in memory; or the emulator at `HEADWATER_TEST_PUBSUB`, a host and a port. */
export async function pubsubServer(options: PubsubOptions = {}): Promise<PubsubServer | Unavailable> {
  const given = process.env['HEADWATER_TEST_PUBSUB']
  if (given !== undefined && !options.own && options.refuse === undefined) return foreign(given)
  const program = await build()
  if (typeof program !== 'string') return program
  const folder = await temporaryFolder()
  const [port = 0] = await freePorts(1)
  const server = await start(program, folder, port, options)
  return {
    skip: false,
    host: '127.0.0.1',
    port,
    ...server,
    async [Symbol.asyncDispose]() {
      await server.kill()
      await folder[Symbol.asyncDispose]()
    },
  }
}

function foreign(address: string): PubsubServer {
  const [host = '', port] = address.split(':')
  const refuse = (): never => {
    throw new Error(`${address} is not ours to freeze or to end`)
  }
  return {
    skip: false,
    host,
    port: Number(port),
    freeze: refuse,
    thaw: refuse,
    kill: refuse,
    restart: refuse,
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Fills the cache. */
export async function fetchPubsub(): Promise<void> {
  await build()
}

async function build(env = process.env): Promise<string | Unavailable> {
  try {
    const folder = await cached('pubsub-pstest-2.8.1', async (making) => {
      await cp(sources, join(making, 'src'), { recursive: true })
      const argv = ['build', '-trimpath', '-ldflags=-s -w', '-o', join(making, 'bin', 'pubsub-server'), '.']
      await promisify(execFile)('go', argv, {
        cwd: join(making, 'src'),
        env: { ...env, CGO_ENABLED: '0' },
        timeout: 600_000,
      })
    })
    return join(folder, 'bin', 'pubsub-server')
  } catch (error) {
    if (env['CI'] === 'true') throw error
    const reason = error instanceof Error ? error.message.slice(0, 500) : String(error)
    return {
      skip: `Google's test server for Pub/Sub can't be built; apt-get install golang, 1.26 or later: ${reason}`,
    }
  }
}

function start(
  program: string,
  { path }: TemporaryFolder,
  port: number,
  { refuse }: PubsubOptions,
): Promise<ServerProcess> {
  const address = `127.0.0.1:${port}`
  return startServer({
    command: program,
    args: ['-addr', address, ...(refuse === undefined ? [] : ['-refuse', refuse])],
    log: join(path, 'server.log'),
    ready: async (printed) => printed.includes('READY') && (await isListening(port)),
    limitMs: 20_000,
  })
}
