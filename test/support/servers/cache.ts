import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_MS = 200

/** Where downloads and builds are kept between runs, outside the checkout: `HEADWATER_CACHE`, else in the user's cache. */
export function cacheFolder(env = process.env): string {
  return env['HEADWATER_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'headwater')
}

/**
 * The folder `name` of the cache, which `make` fills once, whichever process comes first; the others wait for it. It is there as
 * a whole or not at all. What is made must not remember where it was made.
 */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name)
  const lock = `${folder}.lock`
  await mkdir(dirname(folder), { recursive: true })
  while (!(await isThere(folder))) {
    if (!(await take(lock))) {
      await sleep(LOOK_MS)
      continue
    }
    try {
      if (await isThere(folder)) break
      const making = `${folder}.making`
      await rm(making, { recursive: true, force: true })
      await mkdir(making)
      await make(making)
      await rename(making, folder)
    } finally {
      await rm(lock, { force: true })
    }
  }
  return folder
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Whether this process has the lock now. One whose owner is gone is taken over. */
async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''))
    if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true })
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
