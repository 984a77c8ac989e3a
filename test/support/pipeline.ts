import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Running, run, start, type StartOptions } from './cli.ts'
import { freePorts } from './servers/process.ts'

/** A row as `reviews list --json` prints it. */
export interface Row {
  readonly key: string
  readonly revision: number
  readonly raw?: string
  readonly rawBase64?: string
  readonly verdict: {
    readonly status: string
    readonly code?: string
    readonly review?: Readonly<Record<string, unknown>>
    readonly errors?: readonly { readonly message: string }[]
  }
}

/** What the command prints as one JSON document. */
export async function json<T>(args: readonly string[], folder: string): Promise<T> {
  const { code, stdout, stderr } = await run([...args, '--json'], { cwd: folder })
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as T
}

/** What the command prints as a JSON document a line. */
export async function lines<T>(args: readonly string[], folder: string): Promise<T[]> {
  const { code, stdout, stderr } = await run([...args, '--json'], { cwd: folder })
  assert.equal(code, 0, stderr)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T)
}

export async function rows(folder: string): Promise<Row[]> {
  return lines<Row>(['reviews', 'list', '--limit', '1000000'], folder)
}

/** The sections of a config that name a broker and a database. */
export interface Backends {
  readonly queue?: object
  readonly store?: object
}

/** A config with a webhook and free ports, in the folder. */
export async function writeConfig(
  folder: string,
  more = '',
  port = 0,
  { queue = { type: 'embedded' }, store = { type: 'embedded' } }: Backends = {},
): Promise<void> {
  await writeFile(
    join(folder, 'headwater.yaml'),
    `
sources:
  - { name: hook, type: webhook, path: /hooks/hook }
${more}
queue: ${JSON.stringify(queue)}
store: ${JSON.stringify(store)}
http: { listen: "127.0.0.1:${port}" }
admin: { listen: "127.0.0.1:0" }
`,
  )
}

export interface Up {
  readonly process: Running
  readonly webhook: string
  readonly admin: string
}

/** Starts everything in the folder and waits until it listens. */
export async function startUp(folder: string, command = 'up', env: StartOptions['env'] = {}): Promise<Up> {
  const process = start([command, '--json'], { cwd: folder, env })
  // A test that fails since a service has ended says by itself only that it does not answer.
  process.exited.then(({ code, signal, stderr }) => {
    if (code !== 0 && signal !== 'SIGKILL')
      console.error(`${command} ended with ${signal ?? code}: ${stderr}`)
  }, assert.ifError)
  const started = await process.waitFor((line) => {
    const event = line.startsWith('{"event":"started"') ? (JSON.parse(line) as Started) : undefined
    return event
  })
  return { process, webhook: started.webhooks[0] ?? '', admin: started.admin }
}

interface Started {
  readonly webhooks: readonly string[]
  readonly admin: string
}

export async function metricsOf(admin: string): Promise<string> {
  return (await fetch(`${admin}/metrics`)).text()
}

/** How many messages of both topics wait to be stored, by a process's own metrics; undefined before it can tell. */
export async function backlogOf(admin: string): Promise<number | undefined> {
  const found = [...(await metricsOf(admin)).matchAll(/^headwater_queue_backlog_messages\{.*\} (\d+)$/gm)]
  return found.length === 2 ? found.reduce((sum, [, count]) => sum + Number(count), 0) : undefined
}

/** A port that was free a moment ago, for what must come back at the same place. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

const PAUSE_MS = { least: 50, most: 500 }

/**
 * Waits until what is looked at is so; looks again and again, with a generous limit. Between two looks it pauses for as long as
 * one takes, within bounds: one that is a command takes a core from what is waited for.
 */
export async function eventually<T>(
  look: () => Promise<T | undefined>,
  what: string,
  limitMs = 60_000,
): Promise<T> {
  const until = Date.now() + limitMs
  while (Date.now() < until) {
    const startedAt = performance.now()
    const found = await look()
    if (found !== undefined) return found
    const tookMs = performance.now() - startedAt
    await sleep(Math.min(Math.max(tookMs, PAUSE_MS.least), PAUSE_MS.most))
  }
  throw new Error(`waited ${limitMs} ms for ${what}`)
}
