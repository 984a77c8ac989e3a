import { randomBytes } from 'node:crypto'
import { HeadwaterError } from '../errors.ts'
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

export type NewChange = Omit<Change, 'id' | 'at'>

/** The log of changes. The newest 10,000 are kept, about. */
export interface Changes {
  /** Resolves when it is durable. */
  note(change: NewChange): Promise<void>
  /**
   * Notes a change, and makes it once that is durable: what can't be noted is not made. What fails is noted once more, as `failed`
   * with the code of its error, and so is what `outcome` has to add to what was made, if it has; without such a second note it is
   * only known that the change was begun.
   */
  make<Made>(
    change: NewChange,
    work: () => Promise<Made>,
    outcome?: (made: Made) => Change['details'] | undefined,
  ): Promise<Made>
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

  async function note(change: NewChange): Promise<void> {
    last = Math.max(clock(), last + 1)
    const name = `${String(END_OF_TIME - last).padStart(13, '0')}-${randomBytes(4).toString('hex')}`
    const value = JSON.stringify({ ...change, at: new Date(last).toISOString() })
    await registry.compareAndSet(LIST + name, 0, Buffer.from(value))
    if (random() < 1 / TIDIED_ONCE_IN) await tidy()
  }

  return {
    note,
    async make(change, work, outcome = () => undefined) {
      await note(change)
      // The change is in the log, and what came of it is told to whoever has made it.
      const add = (more: Change['details']): Promise<void> =>
        note({ ...change, details: { ...change.details, ...more } }).catch(() => {})
      try {
        const made = await work()
        const more = outcome(made)
        if (more) await add(more)
        return made
      } catch (error) {
        await add({ failed: error instanceof HeadwaterError ? error.code : 'UNEXPECTED' })
        throw error
      }
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
