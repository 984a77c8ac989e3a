import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** That this process uses a folder, as others see it. */
export interface Presence {
  /** Whether a process used the folder and ended without leaving it. */
  readonly othersDied: boolean
  /** Whether another process that lives uses the folder. */
  readonly isShared: boolean
  /** Takes away the marks of those that died. */
  forgetDead(): void
  leave(): void
}

/**
 * Leaves a mark in the folder, named by the process, until `leave`. Where it can't be written, because the disk is full or
 * may only be read, there is none: who only looks must be able to.
 */
export function enter(folder: string): Presence {
  const marks = join(folder, 'users')
  const own = join(marks, String(process.pid))
  const found = marksIn(marks)
  // This process itself has just come: its number was another's before.
  const dead = found.filter((pid) => pid === process.pid || !isAlive(pid))
  try {
    mkdirSync(marks, { recursive: true })
    writeFileSync(own, '')
  } catch {}

  return {
    othersDied: dead.length > 0,
    isShared: found.length > dead.length,
    forgetDead() {
      for (const pid of dead) if (pid !== process.pid) rmSync(join(marks, String(pid)), { force: true })
    },
    leave: () => rmSync(own, { force: true }),
  }
}

function marksIn(folder: string): number[] {
  try {
    return readdirSync(folder).map(Number)
  } catch {
    return [] // nobody was here
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
