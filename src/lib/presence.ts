import { mkdirSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HeadwaterError } from '../errors.ts'
import { asDiskFull } from './disk-full.ts'
import { hasEnded, isRunning, type ProcessSign, placeOf, thisProcess } from './processes.ts'

/** That this process uses a folder, as others see it. */
export interface Presence {
  /**
   * Whether a process used the folder and ended without leaving it, or may have: one that can't be seen from here, as in
   * another container, counts until the folder was found whole.
   */
  readonly othersMayHaveDied: boolean
  /** Whether another process that is seen to live uses the folder. */
  readonly isShared: boolean
  /** Which other process has the folder for itself alone, and what to do where that has ended, as a sentence. */
  readonly owner: string | undefined
  /** Takes away the marks of those that died, and notes on those of processes that can't be seen that all was whole. */
  foundWhole(): void
  leave(): void
}

/** That a process uses a folder, or has it alone. The name of the file says whose it is, and fits on a disk that is full. */
interface Mark {
  readonly path: string
  readonly sign: ProcessSign
}

/** What is known of the process that left a mark. */
type Standing = 'this process' | 'here' | 'elsewhere' | 'ended'

const FOLDER = 'users'
/** Begins the name of the mark of a process that wants to be alone. */
const ALONE = 'alone.'

/** The marks of this process. Any other mark with its number is of one that had that number before. */
const own = new Set<string>()

/**
 * Leaves a mark in the folder, named by the process, until `leave`. Where it can't be written, because the disk is full or
 * may only be read, there is none: who only looks must be able to.
 */
export function enter(folder: string): Presence {
  const marks = join(folder, FOLDER)
  const path = join(marks, encode(thisProcess()))
  const dead = usersIn(marks, 'ended')
  const unseen = usersIn(marks, 'elsewhere')
  const othersMayHaveDied = dead.length > 0 || !unseen.every(wasWhole)
  try {
    mkdirSync(marks, { recursive: true })
    writeFileSync(path, '')
  } catch {}
  own.add(path)
  // Looked at behind the mark: whoever wants to be alone looks behind its own, so that one of the two sees the other.
  const [owner] = ownersIn(marks, 'here', 'elsewhere')

  return {
    othersMayHaveDied,
    isShared: usersIn(marks, 'here').length > 0,
    owner: owner && `${placeOf(owner.sign)} has it for itself${remedy([owner])}`,
    foundWhole() {
      for (const mark of dead) if (mark.path !== path) rmSync(mark.path, { force: true })
      for (const mark of unseen) noteWhole(mark)
    },
    leave() {
      own.delete(path)
      rmSync(path, { force: true })
    },
  }
}

/**
 * Has a folder for this process alone until it is disposed of: others that come are told who has it. Throws `CONFLICT` where
 * others are there already, or may be.
 */
export function alone(folder: string): Disposable {
  const marks = join(realpathSync(folder), FOLDER)
  const path = join(marks, ALONE + encode(thisProcess()))
  mkdirSync(marks, { recursive: true })
  refuse(folder, ownersIn(marks, 'this process', 'here', 'elsewhere'))
  for (const mark of ownersIn(marks, 'ended')) rmSync(mark.path, { force: true })
  const free = (): void => {
    own.delete(path)
    rmSync(path, { force: true })
  }
  own.add(path)
  try {
    writeFileSync(path, '')
    refuse(folder, ownersIn(marks, 'here', 'elsewhere'))
    refuse(folder, usersIn(marks, 'this process', 'here', 'elsewhere'))
  } catch (error) {
    free()
    throw asDiskFull(folder, error)
  }
  return { [Symbol.dispose]: free }
}

function refuse(folder: string, others: readonly Mark[]): void {
  if (others.length === 0) return
  const who = others.map(({ sign }) => placeOf(sign)).join(' and ')
  throw new HeadwaterError(
    'CONFLICT',
    `${folder} is used by ${who}: stop what runs, and try again${remedy(others)}`,
  )
}

/** What a person does about marks that stay since nobody here can see that their process has ended. */
function remedy(marks: readonly Mark[]): string {
  const unseen = marks.filter((mark) => standingOf(mark) === 'elsewhere').map(({ path }) => path)
  return unseen.length === 0
    ? ''
    : `. What has ended there can't be seen from here: remove ${unseen.join(' ')}`
}

function standingOf({ path, sign }: Mark): Standing {
  const { pid, within } = thisProcess()
  const isOfHere = sign.within === within
  if (sign.pid === pid && (isOfHere || sign.within === undefined))
    return own.has(path) ? 'this process' : 'ended'
  // Earlier versions did not say where the number counts.
  if (sign.within === undefined) return isRunning(sign.pid) ? 'here' : 'ended'
  if (!isOfHere) return 'elsewhere'
  return hasEnded(sign) ? 'ended' : 'here'
}

function usersIn(marks: string, ...standings: readonly Standing[]): Mark[] {
  return marksIn(marks, '', standings)
}

function ownersIn(marks: string, ...standings: readonly Standing[]): Mark[] {
  return marksIn(marks, ALONE, standings)
}

function marksIn(marks: string, prefix: string, standings: readonly Standing[]): Mark[] {
  return namesIn(marks)
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => markOf(join(marks, name), name.slice(prefix.length)))
    .filter((mark) => standings.includes(standingOf(mark)))
}

const encode = ({ pid, within }: ProcessSign): string =>
  within === undefined ? String(pid) : `${pid}@${encodeURIComponent(within)}`

/** None where the text is no sign. */
function markOf(path: string, text: string): Mark[] {
  const [, pid, within] = /^([1-9]\d*)(?:@((?:[\w.~-]|%[2-7][\dA-F])+))?$/.exec(text) ?? []
  if (pid === undefined) return []
  return [{ path, sign: { pid: Number(pid), within: within && decodeURIComponent(within) } }]
}

function noteWhole({ path }: Mark): void {
  try {
    writeFileSync(path, 'whole', { flag: 'r+' })
  } catch {} // it has left, or the disk is full: the next one looks again
}

function wasWhole({ path }: Mark): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0
}

function namesIn(marks: string): string[] {
  try {
    return readdirSync(marks)
  } catch {
    return [] // nobody was here
  }
}
