import { hash } from 'node:crypto'
import { glob, open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { HeadwaterError } from '../../errors.ts'

export interface FoundFile {
  /** As a person wrote it, or as the glob found it. */
  readonly path: string
  readonly absolute: string
  readonly size: number
}

/** What a file is recognised by, as it is stored. */
export interface Identity {
  readonly size: number
  readonly modifiedMs: number
  /** Its first 64 KiB. */
  readonly start: Buffer
}

const START_BYTES = 64 * 2 ** 10

/** The files behind paths and globs, each once, in that order. Throws one error for all that can't be read. */
export async function findFiles(patterns: readonly string[]): Promise<readonly FoundFile[]> {
  const found = new Map<string, FoundFile>()
  const problems: string[] = []

  for (const pattern of patterns) {
    const paths = await pathsOf(pattern)
    if (paths.length === 0) problems.push(`${pattern}: expected at least one file, found none`)
    for (const path of paths) {
      const absolute = resolve(path)
      try {
        if (!found.has(absolute)) found.set(absolute, { path, absolute, size: await readableSize(path) })
      } catch (error) {
        problems.push(`${path}: ${messageOf(error)}`)
      }
    }
  }
  if (problems.length > 0) throw new HeadwaterError('FILE_UNREADABLE', problems.join('\n'))
  return [...found.values()]
}

/** Throws `FILE_UNREADABLE` where the file has vanished since it was found. */
export async function identify(path: string): Promise<Identity> {
  try {
    await using file = await open(path)
    const { size, mtimeMs } = await file.stat()
    const start = Buffer.alloc(Math.min(size, START_BYTES))
    const { bytesRead } = await file.read(start, 0, start.length, 0)
    return { size, modifiedMs: mtimeMs, start: start.subarray(0, bytesRead) }
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** The SHA-256 of the first 64 KiB, of as many of them as a file of this size has. */
export function headOf({ start }: Identity, size: number): string {
  return hash('sha256', start.subarray(0, Math.min(size, START_BYTES)), 'hex')
}

/** Why a file, or whatever was expected, can not be read. */
export function unreadable(path: string, cause: unknown, what = 'a file'): HeadwaterError {
  return new HeadwaterError('FILE_UNREADABLE', `${path}: ${messageOf(cause, what)}`, { cause })
}

/** Whether there is nothing at a path. */
export function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

/** A path that exists is one, whatever characters are in it. */
async function pathsOf(pattern: string): Promise<string[]> {
  const isPath = !/[*?[{]/.test(pattern) || (await kindOf(pattern)) !== undefined
  if (isPath) return [pattern]
  const matches = await Array.fromAsync(glob(pattern))
  const kinds = await Promise.all(matches.map(kindOf))
  return matches.filter((_, n) => kinds[n] !== 'directory').toSorted()
}

async function kindOf(path: string): Promise<'file' | 'directory' | 'neither' | undefined> {
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined) return undefined
  if (stats.isFile()) return 'file'
  return stats.isDirectory() ? 'directory' : 'neither'
}

async function readableSize(path: string): Promise<number> {
  const stats = await stat(path)
  if (!stats.isFile())
    throw new Error(`expected a file, found ${stats.isDirectory() ? 'a directory' : 'none'}`)
  await using _ = await open(path)
  return stats.size
}

function messageOf(error: unknown, what = 'a file'): string {
  const code = codeOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return `expected ${what}, found nothing there`
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user'
  return error instanceof Error ? error.message : String(error)
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
