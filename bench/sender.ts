import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Load, Sent } from './load.ts'
import { cpuMicrosOf } from './process.ts'

export interface Served {
  /** User and system time of the server for each review. */
  readonly cpuMicros: number
  readonly perSecond: number
  /** Half of the requests, and 99 of a hundred, were answered within so many milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** How many connections send batches of a size at once. */
const CONNECTIONS: Readonly<Record<number, number>> = { 1000: 4, 100: 8, 1: 32 }

/** Sends `count` reviews to a server and measures it. `after` resolves when all the work of the server is done. */
export async function send(
  pid: number,
  load: Omit<Load, 'connections'>,
  after: () => Promise<void> = () => Promise.resolve(),
): Promise<Served> {
  const whole: Load = { ...load, connections: CONNECTIONS[load.batch] ?? 8 }
  const sender = fork(join(import.meta.dirname, 'load.ts'), [JSON.stringify(whole)])
  const failed = once(sender, 'exit').then(([code]) => {
    throw new Error(`the load generator ended with ${code}`)
  })
  failed.catch(() => {})
  await Promise.race([once(sender, 'message'), failed])
  const before = cpuMicrosOf(pid)
  const startedAt = performance.now()
  const done = once(sender, 'message')
  sender.send('go')
  const [{ p50Ms, p99Ms }] = (await Promise.race([done, failed])) as [Sent]
  await after()
  const seconds = (performance.now() - startedAt) / 1000
  const cpuMicros = (cpuMicrosOf(pid) - before) / load.count
  return { cpuMicros, perSecond: Math.round(load.count / seconds), p50Ms, p99Ms }
}
