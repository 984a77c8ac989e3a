import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { HeadwaterError } from '../errors.ts'
import { faultIn } from '../lib/lmdb-file.ts'
import { copyLmdb, sync } from '../lib/lmdb-copy.ts'

/** A folder that holds a part of all data. */
export interface DataFolder {
  /** `registry`, `queue` or `store`. */
  readonly what: string
  readonly path: string
}

const manifest = z.object({
  format: z.literal(1),
  /** RFC 3339. */
  at: z.string(),
  /** The version of Headwater that wrote it. */
  version: z.string(),
  files: z.array(z.object({ what: z.string(), bytes: z.int(), sha256: z.string() })).min(1),
})

/** What a backup says of itself, in `backup.json`, which is written last. */
export type Manifest = z.output<typeof manifest>

const MANIFEST = 'backup.json'
const DATA = 'data.mdb'

export interface BackupOptions {
  /** In the order in which they are copied. */
  readonly folders: readonly DataFolder[]
  readonly to: string
  readonly version: string
  readonly now: number
  /** Told of each part that is on disk. */
  readonly onFile: (file: Manifest['files'][number]) => void
}

/** Copies the folders, compactly, while others use them. Everything is on disk when it resolves. */
export async function backUp({ folders, to, version, now, onFile }: BackupOptions): Promise<Manifest> {
  const kept = folders.filter(({ path }) => existsSync(join(path, DATA)))
  if (kept.length === 0)
    throw new HeadwaterError('USAGE', `there is no data in ${folders.map(({ path }) => path).join(', ')}`)
  await refuseFull(to, 'a backup')
  const files: Manifest['files'] = []
  for (const { what, path } of kept) {
    const copy = join(to, what)
    await copyLmdb(path, copy)
    const file = { what, ...(await contentOf(join(copy, DATA))) }
    files.push(file)
    onFile(file)
  }
  const written = { format: 1 as const, at: new Date(now).toISOString(), version, files }
  await writeFile(join(to, `${MANIFEST}.part`), `${JSON.stringify(written, undefined, 2)}\n`, { flush: true })
  await rename(join(to, `${MANIFEST}.part`), join(to, MANIFEST))
  await sync(to)
  return written
}

export interface RestoreOptions {
  readonly folders: readonly DataFolder[]
  readonly from: string
  readonly onFile: (file: Manifest['files'][number]) => void
}

/** Puts a backup where there is nothing yet. Throws where it is not, to the last byte, what was backed up. */
export async function restore({ folders, from, onFile }: RestoreOptions): Promise<Manifest> {
  const found = await readManifest(from)
  const targets = found.files.map((file) => {
    const folder = folders.find(({ what }) => what === file.what)
    if (folder) return { file, path: folder.path }
    throw new HeadwaterError(
      'DATA_FORMAT',
      `${from}: expected a backup of registry, queue and store, found ${file.what}`,
    )
  })
  for (const { path } of targets) await refuseFull(path, 'a restored folder')
  for (const { file, path } of targets) {
    const source = join(from, file.what, DATA)
    const { bytes, sha256 } = await contentOf(source)
    const fault =
      sha256 === file.sha256
        ? faultIn(source, 'all')
        : `it has ${bytes} bytes with another hash than when it was written`
    if (fault !== undefined)
      throw new HeadwaterError('DATA_CORRUPT', `${source}: ${fault}. Use another backup`)
    await mkdir(path, { recursive: true })
    await copyFile(source, join(path, `${DATA}.part`))
    await sync(join(path, `${DATA}.part`))
    onFile(file)
  }
  // Only now, so that a restore that was cut off left nothing that looks whole.
  for (const { path } of targets) {
    await rename(join(path, `${DATA}.part`), join(path, DATA))
    await sync(path)
  }
  return found
}

async function readManifest(from: string): Promise<Manifest> {
  const path = join(from, MANIFEST)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new HeadwaterError(
      'USAGE',
      `${from} is no backup, or one that was cut off: it has no ${MANIFEST}`,
      { cause },
    )
  })
  try {
    return manifest.parse(JSON.parse(text))
  } catch (cause) {
    throw new HeadwaterError('DATA_FORMAT', `${path} is not what this version writes`, { cause })
  }
}

/** A part that an earlier attempt left may be written over. */
async function refuseFull(folder: string, what: string): Promise<void> {
  const names = existsSync(folder) ? await readdir(folder) : []
  const part = `${DATA}.part`
  if (names.some((name) => name !== part)) {
    throw new HeadwaterError(
      'USAGE',
      `${folder} is not empty, and ${what} must be: move away what is in it, or name another`,
    )
  }
  await rm(join(folder, part), { force: true })
}

async function contentOf(path: string): Promise<{ bytes: number; sha256: string }> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer)
  return { bytes: (await stat(path)).size, sha256: digest.digest('hex') }
}
