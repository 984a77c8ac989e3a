import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { TransientError } from '../errors.ts'
import { retry } from '../lib/retry.ts'
import type { Registry } from '../stores/registry.ts'
import { forget } from './forget.ts'

/** The start of a service, noted until it has come through. */
export interface Start {
  /** How many earlier starts ended before they had come through, since one last did. */
  readonly uncleanEnds: number
  /** What those that ended were trying last. */
  readonly suspects: ReadonlySet<string>
  /** Resolves when it is durable that these are tried now, and nothing else; short texts, a few dozen. */
  trying(marks: readonly string[]): Promise<void>
  /** Forgets this start and those that ended. Once is enough; what others still run is theirs. */
  through(): Promise<void>
}

export interface StartsOptions {
  readonly registry: Registry
  /** What starts; the same for all processes that do the same work. */
  readonly what: string
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Told of each time that the registry could not be asked. */
  readonly onTrouble?: ((error: TransientError) => void) | undefined
}

const STARTS = 'storage/starts/'
const SHOW_EVERY_MS = 10_000
/** A process of another machine that has not shown itself for so long is gone. */
const GONE_AFTER_MS = 60_000

interface Sign {
  readonly host: string
  readonly pid: number
  readonly aliveAt: number
  readonly trying?: readonly string[]
}

/**
 * Notes a start, and waits for the registry where it is away. Several processes may start beside each other: only what has ended
 * counts.
 */
export async function noteStart(
  { registry, what, clock, onTrouble }: StartsOptions,
  signal: AbortSignal,
): Promise<Start> {
  const prefix = `${STARTS}${what}/`
  const name = `${prefix}${randomUUID()}`
  const policy = { baseMs: 50, maxMs: 30_000, ...(onTrouble && { onFailure: onTrouble }) }
  const signs = await retry(() => signsIn(registry, prefix, signal), signal, policy)
  const ended = signs.filter(({ sign }) => !isAlive(sign, clock()))
  let isThrough = false
  let tried: readonly string[] = []
  let showing: Promise<unknown> = Promise.resolve()

  /** One at a time, so that none is in the way of another. */
  function show(): Promise<void> {
    const shown = showing.then(write)
    showing = shown.catch(() => {})
    return shown
  }

  async function write(): Promise<void> {
    while (!isThrough) {
      const revision = (await registry.get(name))?.revision ?? 0
      const sign: Sign = { host: hostname(), pid: process.pid, aliveAt: clock(), trying: tried }
      if (await registry.compareAndSet(name, revision, Buffer.from(JSON.stringify(sign)))) return
    }
  }
  await retry(show, signal, policy)
  const timer = setInterval(() => void show().catch(() => {}), SHOW_EVERY_MS)
  timer.unref()
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })

  return {
    uncleanEnds: ended.length,
    suspects: new Set(ended.flatMap(({ sign }) => sign.trying ?? [])),
    trying(marks) {
      tried = marks
      return show()
    },
    async through() {
      isThrough = true
      clearInterval(timer)
      await showing
      for (const each of [name, ...ended.map((entry) => entry.name)]) await forget(registry, each)
    },
  }
}

async function signsIn(registry: Registry, prefix: string, signal: AbortSignal) {
  const entries = await Array.fromAsync(registry.list(prefix, { signal }))
  return entries.map(({ name, value }) => ({ name, sign: JSON.parse(value.toString()) as Sign }))
}

/** On this machine it is known; of others it is what they showed. An earlier process with our number is gone. */
function isAlive({ host, pid, aliveAt }: Sign, now: number): boolean {
  if (host !== hostname()) return now - aliveAt < GONE_AFTER_MS
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
