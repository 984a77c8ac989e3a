import { hash } from 'node:crypto'
import { inParallel } from '../lib/parallel.ts'
import { type Entry, overwrite, type Registry } from '../stores/registry.ts'
import type { CopyOptions } from './copy.ts'
import { ERASING } from './erasing.ts'
import { forget } from './forget.ts'

export interface CopiedRegistry {
  /** Entries that are there as they are in the old place. */
  readonly entries: number
  /** Names of entries that the pipeline in the new place has written itself. */
  readonly conflicts: readonly string[]
}

/** How far copies have come, by their names. */
export const POSITIONS = 'copy/'
/** What copies have written into the registry, as digests. */
const WRITTEN = 'copied/'
/** What is true of processes that run, or of one store, and of nothing else. */
const PASSING = [
  'storage/starts/',
  'storage/attempts/',
  'leases/members/',
  'proof/',
  ERASING,
  POSITIONS,
  WRITTEN,
]
const AT_ONCE = 64

type Options = Pick<CopyOptions, 'from' | 'into' | 'name' | 'signal' | 'patiently'>

/**
 * Makes the registry what it is in the old place. An entry that a copy has written and nobody has touched since follows the old
 * one: it moves with it, and goes with it, since it would be the same had it been copied only now. One with a value that no copy
 * has given it is of the pipeline that runs in the new place, and is never written over. Where there is such a one, nothing at
 * all is written: entries belong together, as a checkpoint does to the lease under which it was saved.
 */
export async function copyRegistry(options: Options): Promise<CopiedRegistry> {
  const { from, into, signal, patiently } = options
  const copies = openCopies(into.registry, options.name)
  const conflicts: string[] = []
  let entries = 0

  for await (const group of groupsIn(from.registry, signal)) {
    const mayCopy = await inParallel(group, (entry) => patiently(() => copies.mayWrite(entry)))
    conflicts.push(...namesWhereNot(mayCopy, group))
  }
  if (conflicts.length > 0) return { entries, conflicts }

  for await (const group of groupsIn(from.registry, signal)) {
    const isThere = await inParallel(group, (entry) => patiently(() => copies.write(entry)))
    const missed = namesWhereNot(isThere, group)
    conflicts.push(...missed)
    entries += group.length - missed.length
  }
  // A place without any entry has never run, or was emptied since: it can't tell what has gone.
  if (entries > 0) {
    for await (const group of groupsIn(into.registry, signal))
      await inParallel(group, async (entry) => {
        const isKept = await patiently(() => from.registry.get(entry.name))
        if (!isKept) await patiently(() => copies.remove(entry))
      })
  }
  return { entries, conflicts }
}

/** Knows which entries are as a copy of this name has left them. */
function openCopies(registry: Registry, copy: string) {
  const noteOf = (name: string): string => `${WRITTEN}${copy}/${digest(name)}`

  async function isCopied({ name, value }: Entry): Promise<boolean> {
    const note = await registry.get(noteOf(name))
    return note?.value.includes(digest(value)) ?? false
  }

  /** The entry that would be written over; false where that must not be. */
  async function replaced({ name, value }: Entry): Promise<Entry | undefined | false> {
    const there = await registry.get(name)
    return !there || there.value.equals(value) || (await isCopied(there)) ? there : false
  }

  return {
    mayWrite: async (entry: Entry): Promise<boolean> => (await replaced(entry)) !== false,
    /** False where it is there with a value that is not a copy's. */
    async write(entry: Entry): Promise<boolean> {
      const there = await replaced(entry)
      if (there === false) return false
      const { name, value } = entry
      if (there?.value.equals(value)) return true
      // Before the entry, and with what is there still: whichever of both a kill leaves is known to be a copy's.
      const digests = [...(there ? [there.value] : []), value].map(digest)
      await overwrite(registry, noteOf(name), Buffer.from(digests.join(' ')))
      return registry.compareAndSet(name, there?.revision ?? 0, value)
    },
    /** Removes it if it is as a copy has left it. */
    async remove(entry: Entry): Promise<void> {
      if (!(await isCopied(entry))) return
      if (await registry.remove(entry.name, entry.revision)) await forget(registry, noteOf(entry.name))
    },
  }
}

/** All entries that are worth copying, some at a time. */
async function* groupsIn(registry: Registry, signal: AbortSignal): AsyncGenerator<readonly Entry[]> {
  let group: Entry[] = []
  for await (const entry of registry.list('', { signal })) {
    if (PASSING.some((prefix) => entry.name.startsWith(prefix))) continue
    group.push(entry)
    if (group.length < AT_ONCE) continue
    yield group
    group = []
  }
  yield group
}

const namesWhereNot = (isSo: readonly boolean[], entries: readonly Entry[]): readonly string[] =>
  entries.filter((_, n) => isSo[n] !== true).map(({ name }) => name)

const digest = (data: string | Uint8Array): string => hash('sha256', data, 'hex')
