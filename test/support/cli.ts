import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const cli = join(import.meta.dirname, '../../src/cli.ts')
const limitMs = 60_000

export interface StartOptions {
  /** What the program reads from its standard input, which is empty otherwise. */
  readonly input?: string | Uint8Array
  readonly cwd?: string
  /** Added to this process's environment; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface Exit {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A program that runs until it ends, is stopped or is disposed. */
export interface Running extends AsyncDisposable {
  readonly pid: number
  /** Resolves when it has ended and all its output has been read. */
  readonly exited: Promise<Exit>
  /** The first line of either output, past or future, that the pattern matches or the function finds something in. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>
  waitFor<T>(find: (line: string) => T | undefined): Promise<T>
  /** Asks it to end and waits until it has. */
  stop(signal?: NodeJS.Signals): Promise<Exit>
  /** Ends it as a power cut would. */
  kill(): Promise<Exit>
}

/** Runs the command line until it ends; one that takes longer than a minute is ended and is an error. */
export async function run(args: readonly string[], options: StartOptions = {}): Promise<Exit> {
  await using running = start(args, options)
  const timer = setTimeout(() => void running.kill(), limitMs)
  const exit = await running.exited
  clearTimeout(timer)
  if (exit.signal !== 'SIGKILL') return exit
  throw new Error(`headwater ${args.join(' ')} did not end within ${limitMs / 1000} s\n${shown(exit)}`)
}

/** The very bytes that the command line writes to its standard output. To end with anything but 0 is an error. */
export async function outputOf(args: readonly string[], folder: string): Promise<Buffer> {
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const ended = once(child, 'close')
  const chunks = await Array.fromAsync(child.stdout as AsyncIterable<Buffer>)
  const [code] = await ended
  clearTimeout(timer)
  if (code !== 0) throw new Error(`headwater ${args.join(' ')} ended with ${code}`)
  return Buffer.concat(chunks)
}

/** Starts the command line. */
export function start(args: readonly string[], options: StartOptions = {}): Running {
  return startProgram(process.execPath, [cli, ...args], options)
}

/** Starts any program. */
export function startProgram(command: string, args: readonly string[], options: StartOptions = {}): Running {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, ...options.env }
  const child = spawn(command, args, { ...(options.cwd && { cwd: options.cwd }), env })
  // A program may end without reading its input.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)

  const text = { stdout: '', stderr: '' }
  const lines: string[] = []
  const watchers = new Set<(line: string) => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
    })
    createInterface({ input: child[name] }).on('line', (line) => {
      lines.push(line)
      for (const watch of watchers) watch(line)
    })
  }

  const exited = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...text }))
  })
  // Whoever waits for it hears of a failure, and nobody has to wait.
  exited.catch(() => {})

  function waitFor(pattern: RegExp): Promise<RegExpExecArray>
  function waitFor<T>(find: (line: string) => T | undefined): Promise<T>
  async function waitFor(wanted: RegExp | ((line: string) => unknown)): Promise<unknown> {
    const find = typeof wanted === 'function' ? wanted : (line: string) => wanted.exec(line) ?? undefined
    for (const line of lines) {
      const found = find(line)
      if (found !== undefined) return found
    }
    const arrived = Promise.withResolvers<unknown>()
    const giveUp = (why: string) => arrived.reject(new Error(`${why}: ${String(wanted)}\n${shown(text)}`))
    const watch = (line: string) => {
      const found = find(line)
      if (found !== undefined) arrived.resolve(found)
    }
    const timer = setTimeout(giveUp, limitMs, `no such line within ${limitMs / 1000} s`)
    watchers.add(watch)
    exited.then(({ code, signal }) => giveUp(`ended (${signal ?? code}) without such a line`), arrived.reject)
    try {
      return await arrived.promise
    } finally {
      clearTimeout(timer)
      watchers.delete(watch)
    }
  }

  async function end(signal: NodeJS.Signals): Promise<Exit> {
    child.kill(signal)
    return await exited
  }

  return {
    pid: child.pid ?? Number.NaN,
    exited,
    waitFor,
    stop: (signal = 'SIGTERM') => end(signal),
    kill: () => end('SIGKILL'),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL').catch(() => {})
    },
  }
}

const shown = ({ stdout, stderr }: { stdout: string; stderr: string }): string =>
  `--- standard output so far\n${stdout}\n--- standard error so far\n${stderr}`
