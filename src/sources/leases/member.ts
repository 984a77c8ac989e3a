import type { Logger } from '../../adapter.ts'
import type { Cancellable } from '../../batch.ts'
import { type Book, type Card, isKnownToBeGone, type Shown, type Table } from './book.ts'
import { share } from './share.ts'
import { createWatch } from '../../lib/silence.ts'

/** One replica among those that share the slots of a source. */
export interface Member {
  /** Shows that this replica lives, and makes its share of the slots what it should be. One call at a time. */
  exchange(options?: Cancellable): Promise<void>
  /** The fence under which something new may begin in a slot; undefined where this replica may not. Asks nobody. */
  fenceOf(slot: number): number | undefined
  /** Work begins in a slot, which is not given up before the work ends, as long as this replica is alive. */
  begin(slot: number): void
  end(slot: number): void
  /** Whether a slot that is to be given up has no work under way any more. */
  readonly mayGiveUp: boolean
  /** How many slots it has now. */
  readonly held: number
  /** How many replicas there are, as was last seen. */
  readonly members: number
  /** Gives up all at once, whatever is under way; called after its life, behind the last exchange. */
  leave(): Promise<void>
}

export interface MemberOptions {
  readonly book: Book
  /** Unlike that of any other replica, ever. */
  readonly id: string
  /** What it shows of itself now. */
  readonly card: () => Card
  /** The slots that have parts. */
  readonly wanted: () => ReadonlySet<number>
  readonly leaseMs: number
  /** Milliseconds of a clock that never jumps. */
  readonly steady: () => number
  /** Nothing is held once it has aborted. */
  readonly life: AbortSignal
  /** Told when something may begin in other slots than before, or under another fence. */
  readonly onChange: () => void
  readonly logger: Logger
  readonly source: string
}

/** A replica stops by itself so much before the others may think it gone, for clocks that don't run at quite one speed. */
const MARGIN = 0.2

/**
 * Two rules keep two replicas from holding one slot. Whoever holds something has shown itself within the time of a lease, less
 * a margin, counted from before the write. Whoever takes something has read the table first, and then seen that its owner has
 * no entry; an entry is removed only as it was for the time of a lease. A replica whose entry is not as it was believes the
 * table only after it has written it anew, so that whoever is about to change it by an older one fails.
 */
export function createMember(options: MemberOptions): Member {
  const { book, id, card, wanted, leaseMs, steady, life, onChange, logger, source } = options
  const silent = createWatch(leaseMs)
  const work = new Map<number, number>()
  const isBusy = (slot: number): boolean => work.has(slot)
  /** The slots by the table, with their fences; they are this replica's until the lease is over. */
  let slots: ReadonlyMap<number, number> = new Map()
  let leaving: ReadonlySet<number> = new Set()
  let heldUntil = -Infinity
  /** The table may yet change behind the back of this replica, by a write that is under way: of others, or its own. */
  let isDoubtful = true
  let revision = 0
  let members = 1

  const isHolding = (): boolean => !life.aborted && steady() < heldUntil

  /** An entry that is as it was written last has been there all the time: nobody has taken anything from this replica. */
  async function show(cancel: Cancellable): Promise<void> {
    if (revision === 0) doubt()
    for (let known = revision; ; known = (await book.member(id, cancel))?.revision ?? 0) {
      const begunAt = steady()
      if (await book.show(id, known, card(), cancel)) {
        heldUntil = begunAt + leaseMs * (1 - MARGIN)
        return
      }
      doubt()
    }
  }

  function doubt(): void {
    isDoubtful = true
    slots = new Map()
  }

  /** Whoever may hold something: all that have an entry, but for those whose silence was long enough. */
  async function findLiving({ slots: owned }: Table, cancel: Cancellable): Promise<Set<string>> {
    const shown = await book.members(cancel)
    revision = shown.get(id)?.revision ?? revision
    shown.delete(id)
    const revisions = new Map([...shown].map(([other, entry]) => [other, entry.revision]))
    const quiet = new Set(silent(revisions, steady()))
    const living = new Set([id])
    for (const [other, entry] of shown)
      if (!(quiet.has(other) || isKnownToBeGone(entry)) || !(await bury(other, entry, cancel)))
        living.add(other)
    // A list promises less than a look at one name.
    const unlisted = new Set([...owned.values()].map(({ owner }) => owner)).difference(living)
    for (const owner of unlisted)
      if (!shown.has(owner) && (await book.member(owner, cancel))) living.add(owner)
    members = living.size
    return living
  }

  async function bury(other: string, { card: its, revision: last }: Shown, cancel: Cancellable) {
    if (!(await book.removeMember(other, last, cancel))) return false
    const who = its ? `process ${its.pid} on ${its.host}` : other
    logger.warn({ source, ...its }, `${source}: ${who} is gone; what it had is shared by the others`)
    return true
  }

  async function settle(cancel: Cancellable): Promise<void> {
    while (true) {
      const { table, revision: read } = await book.table(cancel)
      const living = await findLiving(table, cancel)
      const plan = share({ table, me: id, living, wanted: wanted(), isBusy })
      const mine = slotsOf(plan.table)
      // Nothing new begins in what may be given up, until it is known what became of that.
      leaving = leaving.union(plan.leaving)
      const isAsWanted = plan.table === table && !(isDoubtful && mine.size > 0)
      if (!isAsWanted && !(await write(read, plan.table, cancel))) continue
      isDoubtful = false
      slots = mine
      leaving = plan.leaving
      return
    }
  }

  async function write(read: number, table: Table, cancel: Cancellable): Promise<boolean> {
    try {
      return await book.setTable(read, table, cancel)
    } catch (error) {
      isDoubtful = true
      throw error
    }
  }

  function tellLost(count: number): void {
    const why = 'this process was away for longer than the lease'
    logger.warn({ source, count }, `${source}: ${count} leases went to other processes: ${why}`)
  }

  function slotsOf(table: Table): Map<number, number> {
    const mine = [...table.slots].filter(([, { owner }]) => owner === id)
    return new Map(mine.map(([slot, { epoch }]) => [slot, epoch]))
  }

  const fenceOf = (slot: number): number | undefined =>
    isHolding() && !leaving.has(slot) ? slots.get(slot) : undefined

  const open = (): string => [...slots.keys()].map((slot) => [slot, fenceOf(slot)]).join()

  return {
    async exchange(cancel = {}) {
      const had = slots
      const before = open()
      await show(cancel)
      await settle(cancel)
      if (open() !== before) onChange()
      const lost = [...had].filter(([slot, fence]) => slots.get(slot) !== fence && !leaving.has(slot))
      if (lost.length > 0) tellLost(lost.length)
    },
    fenceOf,
    begin: (slot) => void work.set(slot, (work.get(slot) ?? 0) + 1),
    end(slot) {
      const left = (work.get(slot) ?? 0) - 1
      if (left > 0) work.set(slot, left)
      else work.delete(slot)
    },
    get mayGiveUp() {
      return [...leaving].some((slot) => slots.has(slot) && !isBusy(slot))
    },
    get held() {
      return isHolding() ? slots.size : 0
    },
    get members() {
      return members
    },
    async leave() {
      while (true) {
        const { table, revision: read } = await book.table()
        const others = new Map([...table.slots].filter(([, { owner }]) => owner !== id))
        if (others.size === table.slots.size) break
        if (await book.setTable(read, { ...table, slots: others })) break
      }
      const entry = await book.member(id)
      if (entry) await book.removeMember(id, entry.revision)
    },
  }
}
