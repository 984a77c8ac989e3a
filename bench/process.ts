import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** What Linux counts in: hundredths of a second. */
const TICK_MICROS = 10_000
const LOOK_EVERY_MS = 20

/** User and system time of a process since its start, all threads, in µs. */
export function cpuMicrosOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name stands in parentheses and may hold anything; the third field follows it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS
}

/** Memory of its own, heap and anonymous, without the files that it maps. */
export function ownBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kibibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
  return (kibibytes('VmRSS') - kibibytes('RssFile')) * 1024
}

/** Looks at a process until it has ended: its CPU time in all, and the most memory of its own that it had. */
export async function peakOf(pid: number, exited: Promise<unknown>) {
  const peak = { cpuMicros: 0, ownBytes: 0 }
  const ended = exited.then(() => true)
  do {
    try {
      peak.cpuMicros = Math.max(peak.cpuMicros, cpuMicrosOf(pid))
      peak.ownBytes = Math.max(peak.ownBytes, ownBytesOf(pid))
    } catch {
      break // it is gone
    }
  } while (!(await Promise.race([ended, sleep(LOOK_EVERY_MS, false)])))
  await ended
  return peak
}
