import { z } from 'zod'
import type { Cancellable } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import { hasEnded } from '../../lib/processes.ts'
import type { Registry } from '../../stores/registry.ts'
import { NEXT_POLLS, type NextPoll } from '../source.ts'

/** Who has a slot. */
export interface Tenure {
  readonly owner: string
  /** The fence: higher than that of every owner before, of this slot and of all others. */
  readonly epoch: number
}

export interface Table {
  /** The highest epoch that was given out; 0 where there is none. */
  readonly epoch: number
  /** A slot that is free is not among them. */
  readonly slots: ReadonlyMap<number, Tenure>
}

/** What a replica shows of itself, for others and for people. */
export interface Card {
  readonly host: string
  readonly pid: number
  readonly within?: string | undefined
  /** When it asks its provider next; undefined where it has nothing to ask for. */
  readonly next?: { readonly state: NextPoll['state']; readonly at: number } | undefined
  /** Until when that counts, by the clock of its machine, as `at` in milliseconds since 1970: it shows itself anew before. */
  readonly goodUntil?: number | undefined
}

/** What a replica asks its provider for next. */
export interface NextRequest {
  readonly state: Exclude<NextPoll['state'], 'paused'>
  /** In how many milliseconds, at the earliest; 0 where it is under way, or can't be told yet. */
  readonly inMs: number
}

export interface Shown {
  /** Undefined where it was written by a version that shows something else. */
  readonly card: Card | undefined
  readonly revision: number
}

/** The leases of one source, as the registry keeps them: a table of the slots, and an entry for each replica. */
export interface Book {
  table(options?: Cancellable): Promise<{ readonly table: Table; readonly revision: number }>
  /** False where the table has another revision by now. */
  setTable(revision: number, table: Table, options?: Cancellable): Promise<boolean>
  members(options?: Cancellable): Promise<Map<string, Shown>>
  member(id: string, options?: Cancellable): Promise<Shown | undefined>
  /** Shows that a replica lives: its entry gets another revision. False where it has another one already, or none. */
  show(id: string, revision: number, card: Card, options?: Cancellable): Promise<boolean>
  /** False where the replica has shown itself since. */
  removeMember(id: string, revision: number, options?: Cancellable): Promise<boolean>
}

const cardOf = z.object({
  host: z.string(),
  pid: z.int(),
  within: z.string().optional(),
  // Of another version it may say what is not known here, and is still that of a process.
  next: z
    .object({ state: z.enum(NEXT_POLLS), at: z.number() })
    .optional()
    .catch(undefined),
  goodUntil: z.number().optional().catch(undefined),
})
const epoch = z.int().min(0)
const tableOf = z.object({
  epoch,
  slots: z.array(z.object({ slot: z.int().min(0), owner: z.string(), epoch })),
})

export function openBook(registry: Registry, source: string): Book {
  const tableName = `leases/slots/${source}`
  const members = `leases/members/${source}/`

  return {
    async table(options) {
      const entry = await registry.get(tableName, options)
      if (!entry) return { table: { epoch: 0, slots: new Map() }, revision: 0 }
      return { table: decodeTable(tableName, entry.value), revision: entry.revision }
    },
    setTable: (revision, table, options) =>
      registry.compareAndSet(tableName, revision, encodeTable(table), options),
    async members(options) {
      const found = new Map<string, Shown>()
      for await (const { name, value, revision } of registry.list(members, options))
        found.set(name.slice(members.length), { card: decodeCard(value), revision })
      return found
    },
    async member(id, options) {
      const entry = await registry.get(members + id, options)
      return entry && { card: decodeCard(entry.value), revision: entry.revision }
    },
    show: (id, revision, card, options) =>
      registry.compareAndSet(members + id, revision, Buffer.from(JSON.stringify(card)), options),
    removeMember: (id, revision, options) => registry.remove(members + id, revision, options),
  }
}

/** Whether a replica has surely ended, as can be told of one that ran on this machine. */
export function isKnownToBeGone({ card }: Pick<Shown, 'card'>): boolean {
  return card !== undefined && hasEnded({ pid: card.pid, within: card.within })
}

function encodeTable({ epoch: highest, slots }: Table): Buffer {
  const rows = [...slots].toSorted(([a], [b]) => a - b).map(([slot, tenure]) => ({ slot, ...tenure }))
  return Buffer.from(JSON.stringify({ epoch: highest, slots: rows }))
}

function decodeTable(name: string, value: Buffer): Table {
  try {
    const { epoch: highest, slots } = tableOf.parse(JSON.parse(value.toString()))
    return { epoch: highest, slots: new Map(slots.map(({ slot, ...tenure }) => [slot, tenure])) }
  } catch (cause) {
    const message = `${name} in the registry: expected the slots of a source and their owners, found something else`
    throw new HeadwaterError('DATA_CORRUPT', message, { cause })
  }
}

function decodeCard(value: Buffer): Card | undefined {
  try {
    return cardOf.parse(JSON.parse(value.toString()))
  } catch {
    return undefined
  }
}
