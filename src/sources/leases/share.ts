import type { Table, Tenure } from './book.ts'

export interface View {
  readonly table: Table
  readonly me: string
  /** All replicas that may hold something, this one among them. */
  readonly living: ReadonlySet<string>
  /** The slots that have parts. */
  readonly wanted: ReadonlySet<number>
  /** Whether there is work under way in a slot of this replica, which must end before it is given up. */
  readonly isBusy: (slot: number) => boolean
}

export interface Plan {
  /** The table as this replica wants it; the same object where nothing is to be changed. */
  readonly table: Table
  /** The slots of this replica in which nothing new may begin: more than its fair share, or without parts. */
  readonly leaving: ReadonlySet<number>
}

/**
 * A replica takes free slots up to its fair share, as many as the others have or one more for the first of them, and gives
 * up what it has beyond that as soon as nothing is under way there.
 */
export function share({ table, me, living, wanted, isBusy }: View): Plan {
  const ordered = [...living].toSorted()
  const fair =
    Math.floor(wanted.size / ordered.length) + (ordered.indexOf(me) < wanted.size % ordered.length ? 1 : 0)
  const own = [...table.slots].filter(([, { owner }]) => owner === me).map(([slot]) => slot)
  const useful = own.filter((slot) => wanted.has(slot)).toSorted((a, b) => +isBusy(a) - +isBusy(b))
  const surplus = useful.slice(0, Math.max(0, useful.length - fair))
  const leaving = new Set([...own.filter((slot) => !wanted.has(slot)), ...surplus])

  const isKept = ([slot, { owner }]: readonly [number, Tenure]): boolean =>
    living.has(owner) && !(owner === me && leaving.has(slot) && !isBusy(slot))
  const slots = new Map([...table.slots].filter(isKept))
  const free = [...wanted].filter((slot) => !slots.has(slot) && !leaving.has(slot))
  const taken = free.slice(0, Math.max(0, fair - useful.length))
  const epoch = taken.length > 0 ? table.epoch + 1 : table.epoch
  for (const slot of taken) slots.set(slot, { owner: me, epoch })
  const isSame = taken.length === 0 && slots.size === table.slots.size
  return { table: isSame ? table : { epoch, slots }, leaving }
}
