import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from '../../adapter.ts'
import { TransientError } from '../../errors.ts'
import { createBell } from '../../lib/bell.ts'
import { thisProcess } from '../../lib/processes.ts'
import { retry } from '../../lib/retry.ts'
import { untilDone } from '../../lib/until-done.ts'
import type { Registry } from '../../stores/registry.ts'
import { type Card, type NextRequest, openBook } from './book.ts'
import { createMember } from './member.ts'
import { slotOf, SLOTS } from './slots.ts'

/**
 * The parts of a source that this replica may work on, while others work on the rest. They are leased by slots: a part
 * belongs to one by its name, and all parts of a slot come and go together.
 *
 * No two replicas hold a part at the same time, whatever their clocks show, as long as these run at about one speed. A
 * replica that was paused, or can not reach the registry, holds nothing from 4/5 of the time of a lease after it last began
 * to show itself; the others take what it had once they have seen no sign of it for that time. What was begun before that
 * may still be under way: whatever it writes must be guarded by the fence.
 */
export interface Leases extends AsyncDisposable {
  /**
   * The fence under which work on a part may begin now: the higher, the later its owner came; the same until another replica
   * had the part. Undefined where this replica may begin nothing. Asks nobody; looks at the clock alone.
   */
  fenceOf(part: string): number | undefined
  /**
   * Begins work on a part, if that may begin now: until the hold is disposed of, the part is not handed to a replica that has
   * too few. Once too long silent, or disposed of, this replica loses it all the same.
   */
  hold(part: string): Hold | undefined
  /** The source has these parts from now on. */
  setParts(parts: Iterable<string>): void
  /** How many slots this replica has now. */
  readonly held: number
  /** How many replicas share the source, this one among them, as was last seen. */
  readonly members: number
  /**
   * Resolves when work may begin on other parts than before, when the signal aborts, or after so long. A lease that runs out
   * is not told: the clock says so. Rejects once the registry has failed in a way that nobody has classified.
   */
  changed(signal: AbortSignal, timeoutMs?: number): Promise<void>
  /** Gives everything up at once, so that nobody has to wait for it. Where the registry is away or has failed, others wait it out. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface Hold extends Disposable {
  readonly fence: number
}

export interface LeasesOptions {
  readonly registry: Registry
  readonly source: string
  /** Undefined where nobody can list them: any name may be that of a part. */
  readonly parts: Iterable<string> | undefined
  readonly leaseMs: number
  /** What this replica asks its provider for next, to be shown; undefined where it has nothing to ask for. */
  readonly next: () => NextRequest | undefined
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds of a clock that never jumps. */
  readonly steady?: () => number
  readonly logger: Logger
  /** Told of trouble of the registry that is waited for, each time, and with undefined that it is over. */
  readonly onTrouble: (error: TransientError | undefined) => void
  /** Aborts the opening, not the life, of what is opened. */
  readonly signal: AbortSignal
}

/** A replica shows itself so often in the time of a lease. */
const BEATS = 3

/**
 * Joins the replicas that share a source, and resolves when this one has its share of what is free: all of it where it is
 * alone. Waits for a registry that is away.
 */
export async function openLeases(options: LeasesOptions): Promise<Leases> {
  const { registry, source, leaseMs, next, clock, logger, onTrouble, signal } = options
  const { steady = () => performance.now() } = options
  const changes = createBell()
  const wake = createBell()
  const stopped = new AbortController()
  let wanted = slotsOf(options.parts)
  let failure: { readonly error: unknown } | undefined
  let isTroubled = false

  const member = createMember({
    book: openBook(registry, source),
    id: randomUUID(),
    card,
    wanted: () => wanted,
    leaseMs,
    steady,
    life: stopped.signal,
    onChange: changes.ring,
    logger,
    source,
  })

  function card(): Card {
    const shownAt = clock()
    const asks = next()
    return {
      host: hostname(),
      ...thisProcess(),
      ...(asks && { next: { state: asks.state, at: shownAt + asks.inMs } }),
      goodUntil: shownAt + leaseMs,
    }
  }

  function troubled(error: TransientError | undefined): void {
    if (error || isTroubled) onTrouble(error)
    isTroubled = error !== undefined
  }

  async function exchange(stop: AbortSignal): Promise<void> {
    const before = member.members
    const policy = { baseMs: 50, maxMs: leaseMs / BEATS, onFailure: troubled }
    await retry(() => member.exchange({ signal: stop }), stop, policy)
    troubled(undefined)
    const { held, members } = member
    if (members !== before)
      logger.info({ source, held, members }, `${source} is shared by ${members} processes`)
  }

  async function renew(stop: AbortSignal): Promise<void> {
    while (true) {
      if (!member.mayGiveUp) await wake.wait(stop, leaseMs / BEATS)
      if (stop.aborted) return
      await exchange(stop)
    }
  }

  await exchange(signal)
  const renewing = renew(stopped.signal).catch((error: unknown) => {
    if (stopped.signal.aborted) return
    failure = { error }
    changes.ring()
  })

  async function leave(): Promise<void> {
    stopped.abort()
    await renewing
    if (failure) return
    try {
      await member.leave()
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      logger.warn({ source, error }, `${source}: the leases could not be given back; others wait them out`)
    }
  }

  return {
    fenceOf: (part) => member.fenceOf(slotOf(part)),
    hold(part) {
      const slot = slotOf(part)
      const fence = member.fenceOf(slot)
      if (fence === undefined) return undefined
      member.begin(slot)
      let isOver = false
      return {
        fence,
        [Symbol.dispose]() {
          if (isOver) return
          isOver = true
          member.end(slot)
          if (member.mayGiveUp) wake.ring()
        },
      }
    },
    setParts(parts) {
      wanted = slotsOf(parts)
      wake.ring()
    },
    get held() {
      return member.held
    },
    get members() {
      return member.members
    },
    async changed(until, timeoutMs) {
      if (!failure) await changes.wait(until, timeoutMs)
      if (failure) throw failure.error
    },
    [Symbol.asyncDispose]: untilDone(leave),
  }
}

function slotsOf(parts: Iterable<string> | undefined): Set<number> {
  if (parts === undefined) return new Set(Array.from({ length: SLOTS }, (_, slot) => slot))
  const slots = new Set<number>()
  for (const part of parts) slots.add(slotOf(part))
  return slots
}
