import { glob, opendir, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HeadwaterError } from '../../errors.ts'
import { unreadable } from './files.ts'

/** Paths that are looked up again and again. */
export interface Pattern {
  /** The folder in or below which they are. */
  readonly folder: string
  /** Those that are there now, in the order of their names. Throws `FILE_UNREADABLE` for the folder. */
  list(): Promise<string[]>
}

/** Throws one `FILE_UNREADABLE` for all that can't be looked into. */
export async function patternsOf(texts: readonly string[]): Promise<readonly Pattern[]> {
  const patterns: Pattern[] = []
  const problems: string[] = []
  for (const text of texts) {
    try {
      patterns.push(await patternOf(text))
    } catch (error) {
      if (!(error instanceof HeadwaterError)) throw error
      problems.push(error.message)
    }
  }
  if (problems.length > 0) throw new HeadwaterError('FILE_UNREADABLE', problems.join('\n'))
  return patterns
}

/** A folder stands for the files in it, less hidden ones; what is there is a path, whatever characters are in it. */
async function patternOf(text: string): Promise<Pattern> {
  const pattern = await read(text)
  await pattern.list()
  return pattern
}

async function read(text: string): Promise<Pattern> {
  const there = await stat(text).catch((error: unknown) => {
    if (!MAGIC.test(text)) throw unreadable(text, error, 'a folder or a file')
  })
  if (there?.isDirectory()) return within(text, () => filesIn(text))
  if (there === undefined) return within(fixedPartOf(text), () => Array.fromAsync(glob(text)))
  return within(dirname(text), async () => ((await isThere(text)) ? [text] : []))
}

const MAGIC = /[*?[{]/

function within(folder: string, find: () => Promise<string[]>): Pattern {
  return {
    folder,
    async list() {
      try {
        // A glob says nothing of a folder that can't be read.
        await (await opendir(folder)).close()
        return (await find()).toSorted()
      } catch (error) {
        throw unreadable(folder, error, 'a folder')
      }
    },
  }
}

const isThere = (path: string): Promise<boolean> => stat(path).then(Boolean, () => false)

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
  return files.map(({ name }) => join(folder, name))
}

/** `incoming/2024` of `incoming/2024/*.csv`. */
function fixedPartOf(pattern: string): string {
  const parts = pattern.split('/')
  const fixed = parts.slice(
    0,
    parts.findIndex((part) => MAGIC.test(part)),
  )
  return fixed.join('/') || (pattern.startsWith('/') ? '/' : '.')
}
