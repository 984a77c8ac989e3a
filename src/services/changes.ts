import { randomBytes } from 'node:crypto'
import type { Registry } from '../stores/registry.ts'

/** One thing that somebody did to the system, for whoever asks later who it was. */
export interface Change {
  /** Where the list goes on behind it. */
  readonly id: string
  /** RFC 3339. */
  readonly at: string
  /** The user and host, or the role and session. */
  readonly who: string
  /** What was done, such as `redrive`. */
  readonly what: string
  /** To what, such as `cluster 2f6c…`. */
  readonly about: string
  readonly details: Readonly<Record<string, unknown>>
}

export interface ListedChanges {
  readonly changes: readonly Change[]
  /** Where to go on; undefined at the end. */
  readonly after?: string
}

/** The log of changes. The newest 10,000 are kept, about. */
export interface Changes {
  /** Resolves when it is durable. */
  note(change: Omit<Change, 'id' | 'at'>): Promise<void>
  /** The newest first. */
  list(options?: { readonly after?: string; readonly limit?: number }): Promise<ListedChanges>
}

const LIST = 'changes/'
const KEPT = 10_000
/** Looking through all of them takes a while: it is done once in so many times. */
const TIDIED_ONCE_IN = 100
/** Registries list by name: what was done last has the lowest one. */
const END_OF_TIME = 9_999_999_999_999

export function openChanges(
  registry: Registry,
  clock: () => number = Date.now,
  random: () => number = Math.random,
): Changes {
  let last = 0

  async function tidy(): Promise<void> {
    let count = 0
    for await (const { name, revision } of registry.list(LIST))
      if (++count > KEPT) await registry.remove(name, revision)
  }

  return {
    async note(change) {
      last = Math.max(clock(), last + 1)
      const name = `${String(END_OF_TIME - last).padStart(13, '0')}-${randomBytes(4).toString('hex')}`
      const value = JSON.stringify({ ...change, at: new Date(last).toISOString() })
      await registry.compareAndSet(LIST + name, 0, Buffer.from(value))
      if (random() < 1 / TIDIED_ONCE_IN) await tidy()
    },
    async list({ after = '', limit = 100 } = {}) {
      const changes: Change[] = []
      for await (const { name, value } of registry.list(LIST)) {
        const id = name.slice(LIST.length)
        if (id <= after) continue
        if (changes.length === limit) return { changes, after: changes.at(-1)?.id ?? after }
        changes.push({ id, ...(JSON.parse(value.toString()) as Omit<Change, 'id'>) })
      }
      return { changes }
    },
  }
}
