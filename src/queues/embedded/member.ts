import type { Logger } from '../../adapter.ts'
import { TransientError } from '../../errors.ts'
import type { Bell } from '../../lib/bell.ts'
import { createHeld, type Held } from './held.ts'
import { claimable, createWatch, ownedBy, RENEW_MS, surplusOf } from './lease.ts'
import type { Log } from './log.ts'
import type { Holding } from './reader.ts'
import { ensureGroup, findGroup, type Group, shareAt, type Topic } from './topic.ts'

/** A reader of a group, which shares the partitions with the others by leases. */
export interface Member extends Holding {
  /** Gives everything back at once: what is not acknowledged comes back to whoever reads next. */
  close(): Promise<void>
}

export interface MemberOptions {
  readonly log: Log
  readonly bell: Bell
  readonly group: string
  /** Unlike that of any other reader, ever. */
  readonly id: string
  readonly logger: Logger
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number
}

export function createMember({ log, bell, group: name, id, logger, now }: MemberOptions): Member {
  const held = new Map<number, Held>()
  const findSilent = createWatch(now)
  let readings = 0
  let closed = false
  let failure: { readonly error: unknown } | undefined
  let timer: NodeJS.Timeout | undefined
  let renewing: Promise<void> | undefined
  let leaving: Promise<void> | undefined
  let patientUntil = 0

  /** Says that this reader lives, and makes its share of the partitions what it should be. */
  async function exchange(): Promise<void> {
    const { owned, topic } = await log.change((topic) => {
      const group = ensureGroup(topic, name, false)
      for (const silent of findSilent(group.readers)) delete group.readers[silent]
      group.readers[id] = (group.readers[id] ?? 0) + 1
      giveUp(group)
      for (const partition of claimable(group, id)) shareAt(group, partition).owner = id
      return { owned: ownedBy(group, id), topic }
    })
    for (const mine of [...held.values()].filter(({ partition }) => !owned.includes(partition))) {
      if (!mine.isIdle()) tellLost(mine)
      forget(mine)
    }
    for (const partition of owned.filter((partition) => !held.has(partition))) takeUp(topic, partition)
    bell.ring()
  }

  /** What is beyond the fair share: at once where nothing is under way, else once that is acknowledged. */
  function giveUp(group: Group): void {
    const surplus = new Set(surplusOf(group, id))
    for (const mine of held.values()) mine.draining = surplus.has(mine.partition)
    for (const partition of surplus) {
      if (held.get(partition)?.isIdle() ?? true) delete shareAt(group, partition).owner
    }
  }

  function takeUp(topic: Topic, partition: number): void {
    const cursor = shareAt(ensureGroup(topic, name, false), partition).cursor
    held.set(
      partition,
      createHeld(log, partition, cursor, (count) => {
        logger.warn(
          { group: name, partition, count },
          `group ${name} lost ${count} messages that were deleted before it read them`,
        )
      }),
    )
  }

  function forget(mine: Held): void {
    if (held.get(mine.partition) === mine) held.delete(mine.partition)
  }

  function tellLost({ partition }: Held): void {
    logger.warn(
      { group: name, partition },
      'the lease went to another reader, which reads again from its cursor',
    )
  }

  /** One exchange at a time. Trouble that passes is tried again; any other ends the reading. */
  function renew(): Promise<void> {
    if (!timer) return Promise.resolve()
    renewing ??= exchange()
      .catch((error: unknown) => {
        patientUntil = now() + RENEW_MS
        if (!(error instanceof TransientError)) failure = { error }
        else logger.warn({ group: name, error }, `the lease could not be renewed: ${error.message}`)
      })
      .finally(() => {
        renewing = undefined
      })
    return renewing
  }

  function needsExchange(group: Group | undefined): boolean {
    if (!group || !Object.hasOwn(group.readers, id)) return true
    const draining = [...held.values()].filter((mine) => mine.draining)
    return (
      findSilent(group.readers).length > 0 ||
      claimable(group, id).length > 0 ||
      surplusOf(group, id).length > draining.length ||
      draining.some((mine) => mine.isIdle())
    )
  }

  async function release(): Promise<void> {
    clearInterval(timer)
    timer = undefined
    await renewing
    held.clear()
    try {
      await log.change((topic) => {
        const group = findGroup(topic, name)
        if (!group) return
        delete group.readers[id]
        for (const partition of ownedBy(group, id)) delete shareAt(group, partition).owner
      })
      bell.ring()
    } catch (error) {
      logger.warn(
        { group: name, error },
        'the leases could not be given back; the next reader waits them out',
      )
    }
  }

  function releaseOnce(): Promise<void> {
    leaving ??= release().finally(() => {
      leaving = undefined
    })
    return leaving
  }

  function leaveWhenIdle(): void {
    if (readings > 0 || !timer || closed) return
    if ([...held.values()].every((mine) => mine.isIdle())) void releaseOnce()
  }

  return {
    async join() {
      readings++
      await leaving
      if (timer || closed) return
      timer = setInterval(() => void renew(), RENEW_MS)
      await renew()
    },
    leave() {
      readings--
      leaveWhenIdle()
    },
    check(topic) {
      if (failure) throw failure.error
      if (now() >= patientUntil && needsExchange(findGroup(topic, name))) void renew()
    },
    held: () => [...held.values()].filter((mine) => !mine.draining),
    async acknowledge(takings) {
      if (closed) return
      for (const taken of takings) taken.held.settle(taken)
      const moved = [...new Set(takings.map((taken) => taken.held))].filter(
        (mine) => mine.acknowledged > mine.saved,
      )
      for (const mine of moved.length > 0 ? await save(moved) : []) {
        tellLost(mine)
        forget(mine)
      }
      if (moved.some((mine) => mine.draining && mine.isIdle())) void renew()
      leaveWhenIdle()
    },
    async close() {
      closed = true
      if (timer || leaving) await releaseOnce()
    },
  }

  /** Moves the cursors, each if its lease is still this reader's. Returns those whose lease is not. */
  async function save(moved: readonly Held[]): Promise<Held[]> {
    const cursors = moved.map((mine) => ({ mine, cursor: mine.acknowledged }))
    const foreign = await log.change((topic) => {
      const group = findGroup(topic, name)
      return cursors.filter(({ mine, cursor }) => {
        const share = group?.shares[mine.partition]
        if (share?.owner !== id) return true
        share.cursor = Math.max(share.cursor, cursor)
        return false
      })
    })
    for (const { mine, cursor } of cursors) mine.saved = Math.max(mine.saved, cursor)
    return foreign.map(({ mine }) => mine)
  }
}
