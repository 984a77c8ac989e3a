import { stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { HeadwaterError } from '../../errors.ts'
import type { SourceContext } from '../source.ts'
import { forgetFile, savedFiles } from './checkpoint.ts'
import { isAbsent, unreadable } from './files.ts'
import { patternsOf } from './patterns.ts'
import type { Report } from './report.ts'

/** Files that come and go. */
export interface Folder {
  /** The files of which not everything was handed over, in the order of the patterns and of their names. */
  look(signal: AbortSignal): Promise<readonly Seen[]>
}

export interface Seen {
  readonly path: string
  readonly absolute: string
  readonly sighting: Sighting
}

/** A file as it was last seen. */
export interface Sighting {
  readonly size: number
  readonly modifiedMs: number
  /** Since when it is like this, as far as this process saw. */
  readonly since: number
  /** How much of it, as it is now, was handed over: whoever reads it notes it here. */
  read: 'nothing' | 'lines' | 'all'
  lookedAt: number
}

export interface FolderOptions {
  readonly patterns: readonly string[]
  readonly context: SourceContext
  readonly report: Report
  /** Whether something of this file was handed over and is not acknowledged yet. */
  readonly isInHand: (absolute: string) => boolean
}

/** However long a file has not changed, a change is noticed within this time. */
const LONGEST_PATIENCE_MS = 60_000

/** Throws one `FILE_UNREADABLE` for all that can't be looked into. */
export async function openFolder(options: FolderOptions): Promise<Folder> {
  const { context, report, isInHand } = options
  const { clock, logger, name: source } = context
  const patterns = await patternsOf(options.patterns)
  const known = new Map<string, Sighting>()
  /** What is there and in trouble, and not known: nobody can tell its size. */
  const unseen = new Set<string>()
  for await (const { absolute, size, modifiedMs, done } of savedFiles(context)) {
    const read = done ? 'all' : 'nothing'
    known.set(absolute, { size, modifiedMs, since: clock(), read, lookedAt: Number.NEGATIVE_INFINITY })
  }

  /** Every path that is there, and the folders in which there are any. */
  async function list(): Promise<{ paths: Map<string, string>; inhabited: string[] }> {
    const paths = new Map<string, string>()
    const inhabited: string[] = []
    for (const pattern of patterns) {
      try {
        const found = await pattern.list()
        for (const path of found) if (!paths.has(resolve(path))) paths.set(resolve(path), path)
        if (found.length > 0) inhabited.push(join(resolve(pattern.folder), sep))
        report.well(pattern.folder)
      } catch (error) {
        if (!(error instanceof HeadwaterError)) throw error
        report.trouble(pattern.folder, error)
      }
    }
    return { paths, inhabited }
  }

  /** Undefined where there is no file. One that has not changed for long is not asked for its size at every look. */
  async function see(path: string, absolute: string): Promise<Sighting | undefined> {
    const last = known.get(absolute)
    const now = clock()
    if (last && isRecent(last, now)) return last
    const stats = await stat(path).catch((error: unknown) => {
      if (!isAbsent(error)) throw unreadable(path, error)
    })
    if (!stats?.isFile()) return undefined
    const { size, mtimeMs: modifiedMs } = stats
    const isSame = last?.size === size && last.modifiedMs === modifiedMs
    // A clock that was put back must not make a file wait.
    const since = isSame ? Math.min(last.since, now) : now
    const sighting = { size, modifiedMs, since, read: isSame ? last.read : 'nothing', lookedAt: now } as const
    known.set(absolute, sighting)
    return sighting
  }

  async function forget(absolute: string): Promise<void> {
    const isGone = await stat(absolute).then(() => false, isAbsent)
    if (isGone) {
      if (known.get(absolute)?.read !== 'all') {
        logger.warn({ source, path: absolute }, `${absolute} is gone, and may not have been read to its end`)
      }
      await forgetFile(absolute, context)
    }
    known.delete(absolute)
  }

  return {
    async look(signal) {
      const { paths, inhabited } = await list()
      const seen: Seen[] = []
      const there = new Set<string>()
      for (const [absolute, path] of paths) {
        signal.throwIfAborted()
        try {
          const sighting = await see(path, absolute)
          if (sighting === undefined) continue
          there.add(absolute)
          if (sighting.read === 'all') report.well(absolute)
          else if (!isInHand(absolute)) seen.push({ path, absolute, sighting })
        } catch (error) {
          if (!(error instanceof HeadwaterError)) throw error
          there.add(absolute)
          unseen.add(absolute)
          report.trouble(absolute, error)
        }
      }
      for (const absolute of unseen) {
        if (there.has(absolute)) continue
        unseen.delete(absolute)
        report.forget(absolute)
      }
      for (const absolute of known.keys()) {
        if (there.has(absolute)) continue
        report.forget(absolute)
        if (isInHand(absolute)) continue
        // A folder in which there is nothing may be a disk that is away.
        if (inhabited.some((folder) => absolute.startsWith(folder))) await forget(absolute)
      }
      return seen
    },
  }
}

/** The longer it has not changed, the more rarely it is looked at: after a tenth of that time. */
function isRecent({ since, lookedAt }: Sighting, now: number): boolean {
  const age = now - lookedAt
  return age >= 0 && age < Math.min(LONGEST_PATIENCE_MS, (now - since) / 10)
}
