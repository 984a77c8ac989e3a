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

  async function show(): Promise<void> {
    const revision = (await registry.get(name))?.revision ?? 0
    if (isThrough) return
    const sign: Sign = { host: hostname(), pid: process.pid, aliveAt: clock() }
    await registry.compareAndSet(name, revision, Buffer.from(JSON.stringify(sign)))
  }
  await retry(show, signal, policy)
  const timer = setInterval(() => void show().catch(() => {}), SHOW_EVERY_MS)
  timer.unref()
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })

  return {
    uncleanEnds: ended.length,
    async through() {
      isThrough = true
      clearInterval(timer)
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
