import TinyQueue from 'tinyqueue'
import type { Hold, Leases } from './leases.ts'

/** The work on one part of a source. */
export interface Work {
  /** The name of the part. */
  readonly part: string
  /** When it has something to do; Infinity where that is not known yet. */
  readonly readyAt: number
}

/** How urgent it is at that time to go on with work that is ready. */
export type Urgency<T extends Work> = (work: T, now: number) => number

/** The work on many parts, by when each is next. */
export interface Roster<T extends Work> {
  /** Takes out who is ready: of several, who is the most urgent, and of these, who has been for the longest time. */
  take(now: number): T | undefined
  /** When the next one is ready; Infinity where there is none. */
  readonly nextAt: number
  /** Takes back who was taken out, or was not ready ever, unless it is not kept any more. */
  putBack(work: T, now: number): void
  /** What is ready may be another time by now, of work that is not taken out. */
  reorder(): void
  /** From now on there is work on each of these parts, and on no others; `open` makes what is new. */
  keep(parts: Iterable<string>, open: (part: string) => T): void
  get(part: string): T | undefined
  readonly all: Iterable<T>
  readonly size: number
}

interface Entry<T> {
  readonly work: T
  /** From when on it is ready. */
  readonly since: number
  /** Who came first, of those that are ready since the same time. */
  readonly order: number
}

const byAge = (a: Entry<unknown>, b: Entry<unknown>): number => a.since - b.since || a.order - b.order

/** Without `urgencyOf` all are equally urgent. */
export function createRoster<T extends Work>(urgencyOf?: Urgency<T>): Roster<T> {
  const all = new Map<string, T>()
  const queue = new TinyQueue<Entry<T>>([], byAge)
  /** Those that are ready, in no order: whose urgency is the highest changes as time goes by. */
  let ready: Entry<T>[] = []
  let entered = 0

  const isKept = (work: T): boolean => all.get(work.part) === work

  function enter(work: T, since: number): void {
    if (since < Infinity) queue.push({ work, since, order: entered++ })
  }

  /** Who was dropped stays in the queue until its turn. */
  function first(): Entry<T> | undefined {
    for (let entry = queue.peek(); entry !== undefined; entry = queue.peek()) {
      if (isKept(entry.work)) return entry
      queue.pop()
    }
    return undefined
  }

  function nextReady(now: number): Entry<T> | undefined {
    const entry = first()
    return entry === undefined || entry.since > now ? undefined : queue.pop()
  }

  /** There may be 100,000 that are ready: they are looked through where they are. */
  function takeMostUrgent(now: number, urgencyOf: Urgency<T>): T | undefined {
    for (let entry = nextReady(now); entry !== undefined; entry = nextReady(now)) ready.push(entry)
    let most: { readonly entry: Entry<T>; readonly index: number; readonly urgency: number } | undefined
    for (const [index, entry] of ready.entries()) {
      const urgency = urgencyOf(entry.work, now)
      const isMore = most === undefined || urgency > most.urgency
      if (isMore || (urgency === most?.urgency && byAge(entry, most.entry) < 0))
        most = { entry, index, urgency }
    }
    const last = ready.pop()
    if (most === undefined || last === undefined) return undefined
    if (last !== most.entry) ready[most.index] = last
    return most.entry.work
  }

  return {
    take: (now) => (urgencyOf ? takeMostUrgent(now, urgencyOf) : nextReady(now)?.work),
    get nextAt() {
      return ready[0]?.since ?? first()?.since ?? Infinity
    },
    putBack(work, now) {
      // In the middle of what it does it waits until the others that are ready have had their turn.
      if (isKept(work)) enter(work, Math.max(work.readyAt, now))
    },
    keep(parts, open) {
      const wanted = new Set(parts)
      for (const part of all.keys()) if (!wanted.has(part)) all.delete(part)
      ready = ready.filter(({ work }) => isKept(work))
      for (const part of wanted) {
        if (all.has(part)) continue
        const work = open(part)
        all.set(part, work)
        enter(work, work.readyAt)
      }
    },
    reorder() {
      const waiting: T[] = []
      for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) waiting.push(entry.work)
      for (const work of waiting) if (isKept(work)) enter(work, work.readyAt)
    },
    get: (part) => all.get(part),
    all: { [Symbol.iterator]: () => all.values() },
    get size() {
      return all.size
    },
  }
}

/** Where a lease has run out, or is about to be somebody else's, that is looked at so often until it is known. */
const AGAIN_MS = 1_000

/** Takes out who is ready, with the lease to work under; nobody else gets its part until that is disposed of. */
export function takeHeld<T extends Work>(
  roster: Roster<T>,
  leases: Pick<Leases, 'hold'>,
  now: number,
): { readonly work: T; readonly hold: Hold } | undefined {
  for (let work = roster.take(now); work !== undefined; work = roster.take(now)) {
    const hold = leases.hold(work.part)
    if (hold) return { work, hold }
    roster.putBack(work, now + AGAIN_MS)
  }
  return undefined
}
