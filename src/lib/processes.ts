import { readFileSync, readlinkSync } from 'node:fs'

/** A process, as others may look for it. */
export interface ProcessSign {
  readonly pid: number
  /** Within which start of which machine, and which container of it, the number counts; undefined where nobody can tell. */
  readonly within: string | undefined
}

/** The sign of this process. */
export function thisProcess(): ProcessSign {
  return { pid: process.pid, within: numberedWithin() }
}

/** Whether a process has surely ended: false where it can't be seen from here, and for this one. */
export function hasEnded({ pid, within }: ProcessSign): boolean {
  return within !== undefined && within === numberedWithin() && !isRunning(pid)
}

/** Where a process is, as a person who looks from here would say it. */
export function placeOf({ pid, within }: ProcessSign): string {
  const here = numberedWithin()
  if (within === undefined || within === here) return `process ${pid}`
  const isThisStart = here !== undefined && bootOf(within) === bootOf(here)
  return isThisStart
    ? `process ${pid} of another container, or of the machine around this one`
    : `process ${pid} of another machine, or of this one before it was started anew`
}

const bootOf = (within: string): string | undefined => within.split(' ', 1)[0]

/** Whether a process has this number here, whoever's it is. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function numberedWithin(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}
