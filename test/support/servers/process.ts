import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Why tests that need a server are skipped, with what brings it. */
export interface Unavailable {
  readonly skip: string
}

export interface ServerProcess {
  /** Stops it as a hung machine looks: connections stay open, nothing answers. */
  readonly freeze: () => void
  readonly thaw: () => void
  /** Ends it as a power cut would, with all its children, and resolves when it is gone. */
  readonly kill: () => Promise<void>
  /** Asks it to end, and resolves when it is gone. */
  readonly stop: () => Promise<void>
  /** Starts it anew, with what it finds of its data, and resolves when it is ready. */
  readonly restart: () => Promise<void>
}

export interface ServerOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** The file that takes its output; written anew. */
  readonly log: string
  /** Whether it is ready, by what it has printed so far; asked again and again. */
  readonly ready: (printed: string) => boolean | Promise<boolean>
  readonly limitMs?: number
}

const LOOK_MS = 50
const STOPPING_MS = 5_000

/**
 * Starts a server in a process group of its own and resolves when it is ready. The group is ended when this process ends, in
 * whatever way.
 */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  let life = await begin(options)
  return {
    freeze: () => life.freeze(),
    thaw: () => life.thaw(),
    kill: () => life.kill(),
    stop: () => life.stop(),
    async restart() {
      await life.kill()
      life = await begin(options)
    },
  }
}

/** A server from one start to its end. */
type Life = Omit<ServerProcess, 'restart'>

async function begin(options: ServerOptions): Promise<Life> {
  const { command, args, env, cwd, log, ready, limitMs = 120_000 } = options
  const output = openSync(log, 'w')
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  })
  closeSync(output)
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error))
  failed.catch(() => {})
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const { pid } = child
  if (pid === undefined) return failed
  const guard = guardOf(pid)
  void exited.then(() => guard.kill('SIGKILL'))

  const signal = (name: NodeJS.Signals, whom = -pid): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(whom, name)
  }
  const life: Life = {
    freeze() {
      signal('SIGSTOP')
      // On a busy machine it takes its time until every thread has stopped, and the others answer meanwhile.
      const giveUpAt = performance.now() + STOPPING_MS
      while (!isStopped(pid) && performance.now() < giveUpAt);
    },
    thaw: () => signal('SIGCONT'),
    async kill() {
      signal('SIGKILL')
      await exited
      await groupGone(pid)
    },
    async stop() {
      signal('SIGCONT')
      signal('SIGTERM', pid)
      const isLate = await Promise.race([exited.then(() => false), sleep(30_000, true, { ref: false })])
      if (isLate) signal('SIGKILL')
      await exited
    },
  }

  const giveUpAt = performance.now() + limitMs
  while (!(await ready(readFileSync(log, 'utf8')))) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null
    if (hasEnded || performance.now() > giveUpAt) {
      await life.kill()
      const what = hasEnded
        ? `ended (${child.signalCode ?? child.exitCode})`
        : `was not ready in ${limitMs} ms`
      throw new Error(`${command} ${what}\n${readFileSync(log, 'utf8').slice(-4_000)}`)
    }
    await Promise.race([sleep(LOOK_MS), failed])
  }
  return life
}

/** Whether none of its threads runs, as far as this system tells. */
function isStopped(pid: number): boolean {
  const threads = `/proc/${pid}/task`
  if (!existsSync(threads)) return true
  // The state stands behind the name, which is in brackets.
  return readdirSync(threads).every((id) => /\) [TtZX] /.test(readStat(join(threads, id, 'stat'))))
}

/** A thread that is gone meanwhile runs no more. */
function readStat(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ') X '
  }
}

/** A script ends before the server that it started, which may still be listening for a moment. */
async function groupGone(pid: number): Promise<void> {
  for (let looks = 0; looks < 100; looks++) {
    try {
      process.kill(-pid, 0)
    } catch {
      return
    }
    await sleep(LOOK_MS)
  }
}

/** Waits for the end of this process, of which its input tells it, and then ends the group. */
function guardOf(pid: number) {
  const guard = spawn('sh', ['-c', `cat > /dev/null; kill -9 -${pid}`], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  const { stdin } = guard
  if (stdin && 'unref' in stdin) (stdin as { unref(): void }).unref()
  return guard
}

/** Below those that a system gives to whoever asks for any: no connection takes one before it is listened at. */
const PORTS = [20_000, 30_000] as const
const given = new Set<number>()

/** So many ports of the loopback interface that nobody listens at. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = randomInt(...PORTS)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    ports.push(port)
  }
  return ports
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Whether somebody listens there. */
export function isListening(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host })
    const end = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', end(true)).once('error', end(false))
  })
}
