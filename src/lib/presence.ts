import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning } from './processes.ts'

/** That this process uses a folder, as others see it. */
export interface Presence {
  /** Whether a process used the folder and ended without leaving it. */
  readonly othersDied: boolean
  /** Whether another process that lives uses the folder. */
  readonly isShared: boolean
  /** The process that has the folder for itself alone. */
  readonly owner: number | undefined
  /** Takes away the marks of those that died. */
  forgetDead(): void
  leave(): void
}

const FOLDER = 'users'
/** Holds the number of the process that wants to be alone. */
const ALONE = 'alone'

/**
 * Leaves a mark in the folder, named by the process, until `leave`. Where it can't be written, because the disk is full or
 * may only be read, there is none: who only looks must be able to.
 */
export function enter(folder: string): Presence {
  const marks = join(folder, FOLDER)
  const own = join(marks, String(process.pid))
  // This process itself has just come: its number was another's before.
  const dead = usersIn(marks).filter((pid) => pid === process.pid || !isRunning(pid))
  try {
    mkdirSync(marks, { recursive: true })
    writeFileSync(own, '')
  } catch {}
  // Looked at behind the mark: whoever wants to be alone looks behind its own, so that one of the two sees the other.
  const owner = ownerIn(marks)

  return {
    othersDied: dead.length > 0,
    isShared: usersIn(marks).some((pid) => pid !== process.pid && isRunning(pid)),
    owner: owner === process.pid ? undefined : owner,
    forgetDead() {
      for (const pid of dead) if (pid !== process.pid) rmSync(join(marks, String(pid)), { force: true })
    },
    leave: () => rmSync(own, { force: true }),
  }
}

/**
 * Has a folder for this process alone until it is disposed of: others that come are told who has it. Undefined where
 * others are there already.
 */
export function alone(folder: string): Disposable | undefined {
  const marks = join(folder, FOLDER)
  const mark = join(marks, ALONE)
  mkdirSync(marks, { recursive: true })
  if (ownerIn(marks) !== undefined) return undefined
  writeFileSync(mark, String(process.pid))
  const free = (): void => rmSync(mark, { force: true })
  if (!usersIn(marks).some(isRunning) && ownerIn(marks) === process.pid) return { [Symbol.dispose]: free }
  free()
  return undefined
}

function usersIn(marks: string): number[] {
  try {
    return readdirSync(marks)
      .filter((name) => name !== ALONE)
      .map(Number)
  } catch {
    return [] // nobody was here
  }
}

/** Undefined where there is none, or it has ended. */
function ownerIn(marks: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(marks, ALONE), 'utf8'))
    return isRunning(pid) ? pid : undefined
  } catch {
    return undefined
  }
}
