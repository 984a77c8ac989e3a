import { claimEntry, savedUnder } from '../checkpoint.ts'
import { followLeases } from '../leases/follow.ts'
import type { Hold, Leases } from '../leases/leases.ts'
import { createRoster, takeHeld } from '../leases/roster.ts'
import type { SourceContext } from '../source.ts'
import type { Subject } from './report.ts'
import { type Loaded, Seat } from './seat.ts'
import { createSlot, type Slot, type SlotParts } from './slot.ts'
import { idleAt, nameOf, OF_PRODUCT, OF_PROVIDER, partOf, plausible, state, waitingFor } from './state.ts'

/** The jobs that are this process's share of a source, while other processes come and go. */
export interface Share {
  /**
   * Who is ready, and the lease to work under; nobody else gets its part until that is disposed of. Jobs under way and those
   * that may begin take turns. None is begun before `beginAt`.
   */
  take(now: number, beginAt: number): Taken | undefined
  /** When the next one is ready; Infinity where there is none. */
  nextAt(beginAt: number): number
  /** The same for whoever only looks on, as far as it is known. */
  plannedAt(beginAt: number): number
  /** The job of a seat, as it was saved last. Throws `TransientError`, and `CHECKPOINT_TAKEN`. */
  load(seat: Seat, fence: number): Promise<Slot>
  /** What is in memory of a seat is not what is saved: it is loaded again, a little later. */
  reload(seat: Seat): void
  /** The seat of a part that this process has, whether something is under way there or not; it has its turn as others do. */
  seatOf(part: string): Seat
  /** The seats where a job is under way. */
  readonly underWay: Iterable<Seat>
  /** Keeps it up to date until the signal aborts, whose reason it rejects with. */
  follow(signal: AbortSignal): Promise<void>
}

export interface Taken {
  readonly seat: Seat
  readonly hold: Hold
}

export interface ShareOptions {
  /** One that is undefined is a job that is of no product. */
  readonly products: readonly (string | undefined)[]
  readonly leases: Leases
  readonly parts: SlotParts
  readonly context: Pick<SourceContext, 'name' | 'registry'>
}

/** Where a lease has run out, or is about to be somebody else's, that is looked at so often until it is known. */
const AGAIN_MS = 1_000

/** Resolves when it is known what is under way at the parts that this process has by now. */
export async function openShare({ products, leases, parts, context }: ShareOptions): Promise<Share> {
  const { config, now, report, wake } = parts
  const { registry, name: source } = context
  /** The seats of products, whose jobs are begun from here. */
  const roster = createRoster<Seat>()
  /** Those with a job under way, by part; who had its turn last is last. */
  const open = new Map<string, Seat>()
  const isOneOfAll = products[0] === undefined
  let isToBegin = true

  const holds = (part: string): boolean => leases.fenceOf(part) !== undefined

  function subjectOf(part: string): Subject {
    if (part.startsWith(OF_PROVIDER)) return { job: part.slice(OF_PROVIDER.length) }
    return isOneOfAll && part === partOf(undefined) ? {} : { product: part.slice(OF_PRODUCT.length) }
  }

  async function update(): Promise<void> {
    // What is gained meanwhile is looked at when that is told.
    const held = config.trigger === undefined ? [] : products.map(partOf).filter(holds)
    const underWay = new Set<string>()
    const dueAts = new Map<string, number>()
    for (const own of [OF_PRODUCT, OF_PROVIDER]) {
      for await (const { part: rest, saved } of savedUnder(registry, nameOf(source, own), state)) {
        const part = own + rest
        if (saved === undefined || !holds(part)) continue
        const at = plausible(saved, now(), config.everyMs)
        if (at.phase === 'idle') dueAts.set(part, at.dueAt)
        else underWay.add(part)
      }
    }
    dropOthers()
    roster.keep(held, (part) => {
      const dueAt = underWay.has(part) ? Infinity : (dueAts.get(part) ?? 0)
      return new Seat(part, subjectOf(part), dueAt)
    })
    for (const part of underWay) seatOf(part)
    wake()
  }

  function dropOthers(): void {
    for (const seat of open.values()) {
      const fence = leases.fenceOf(seat.part)
      if (fence === undefined) {
        open.delete(seat.part)
        report.left(seat.subject)
      }
      // Somebody else may have had it meanwhile.
      if (fence !== seat.loaded?.fence) seat.loaded = undefined
    }
    for (const { part, subject } of roster.all) if (!holds(part)) report.left(subject)
  }

  function seatOf(part: string): Seat {
    const seat = open.get(part) ?? roster.get(part) ?? new Seat(part, subjectOf(part), Infinity)
    open.set(part, seat)
    return seat
  }

  function load(seat: Seat, fence: number): Promise<Slot> {
    if (seat.loaded?.fence === fence) return seat.loaded.opening
    const loaded: Loaded = { fence, opening: claim(seat, fence), slot: undefined }
    seat.loaded = loaded
    loaded.opening.then(
      (slot) => {
        loaded.slot = slot
      },
      () => {
        if (seat.loaded === loaded) seat.loaded = undefined
      },
    )
    return loaded.opening
  }

  async function claim(seat: Seat, fence: number): Promise<Slot> {
    const { part, subject } = seat
    const checkpoint = await claimEntry(registry, { name: nameOf(source, part), state, fence })
    const first = subject.job === undefined ? idleAt(now()) : waitingFor(subject.job, now())
    return createSlot(seat, roster.get(part) === seat, checkpoint, first, parts)
  }

  /** Forgets what is in memory of those whose jobs are over. */
  function close(): void {
    for (const seat of open.values()) {
      const slot = seat.loaded?.slot
      if (slot?.isIdle !== true) continue
      open.delete(seat.part)
      seat.loaded = undefined
      seat.dueAt = slot.dueAt
      roster.putBack(seat, 0)
    }
  }

  function goOn(at: number): Taken | undefined {
    for (const seat of open.values()) {
      if (seat.goesOnAt > at) continue
      const hold = leases.hold(seat.part)
      if (hold === undefined) {
        seat.waitUntil = at + AGAIN_MS
        continue
      }
      open.delete(seat.part)
      open.set(seat.part, seat)
      return { seat, hold }
    }
    return undefined
  }

  function begin(at: number): Taken | undefined {
    for (let taken = takeHeld(roster, leases, at); taken; taken = takeHeld(roster, leases, at)) {
      const { work: seat, hold } = taken
      if (!open.has(seat.part) && seat.readyAt <= at) {
        seat.dueAt = Infinity
        open.set(seat.part, seat)
        return { seat, hold }
      }
      hold[Symbol.dispose]()
    }
    return undefined
  }

  /** Of all jobs that may be under way, each process has an equal part. */
  const hasRoom = (): boolean => open.size < Math.max(1, Math.floor(config.jobsAtOnce / leases.members))

  function plannedAt(beginAt: number): number {
    const begins = hasRoom() ? Math.max(roster.nextAt, beginAt) : Infinity
    return Array.from(open.values(), ({ goesOnAt }) => goesOnAt).reduce((a, b) => Math.min(a, b), begins)
  }

  await update()
  return {
    take(at, beginAt) {
      close()
      const beginIfMay = (): Taken | undefined => (hasRoom() && beginAt <= at ? begin(at) : undefined)
      const ways = isToBegin ? [beginIfMay, goOn] : [goOn, beginIfMay]
      isToBegin = !isToBegin
      return ways[0]?.(at) ?? ways[1]?.(at)
    },
    nextAt(beginAt) {
      close()
      return plannedAt(beginAt)
    },
    plannedAt,
    load,
    reload(seat) {
      seat.loaded = undefined
      seat.waitUntil = now() + AGAIN_MS
    },
    seatOf,
    underWay: { [Symbol.iterator]: () => open.values() },
    follow: (signal) => followLeases(leases, () => parts.insist(update, signal), signal),
  }
}
