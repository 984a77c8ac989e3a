import type { Logger } from '../../adapter.ts'
import { TransientError } from '../../errors.ts'
import type { Bell } from '../../lib/bell.ts'
import type { Book, GroupPage } from './book.ts'
import type { Kinesis, Shard } from './client.ts'
import type { Cursor } from './cursor.ts'
import type { Outage } from './outage.ts'
import { type Position, SHARD_END } from './position.ts'
import type { Holding } from './reader.ts'
import { createWatch, NO_LEASE, readable, sharesOf } from './share.ts'

/** A reader of a group, which shares the shards with the others by leases. */
export interface Member extends Holding {
  /** Gives everything back at once: what is not acknowledged comes back to whoever reads next. */
  close(): Promise<void>
}

export interface MemberOptions {
  readonly kinesis: Pick<Kinesis, 'shards'>
  readonly book: Book
  readonly group: string
  /** Unlike that of any other reader, ever. */
  readonly id: string
  readonly leaseMs: number
  readonly open: (shard: string, position: Position, fail: (error: unknown) => void) => Cursor
  readonly bell: Bell
  readonly outage: Outage
  readonly logger: Logger
}

interface Held {
  readonly cursor: Cursor
  /** The progress that the registry knows. */
  saved: number
  saving: Promise<void> | undefined
  /** It is to go to another reader, once nothing of it is under way. */
  isDraining: boolean
}

/** A reader says so often in the time of a lease that it lives. */
const BEATS = 4

export function createMember(options: MemberOptions): Member {
  const { kinesis, book, group, id, leaseMs, open, bell, outage, logger } = options
  const held = new Map<string, Held>()
  const findSilent = createWatch(leaseMs, () => performance.now())
  let readings = 0
  let isClosed = false
  let failure: { readonly error: unknown } | undefined
  let timer: NodeJS.Timeout | undefined
  let renewing: Promise<void> | undefined
  let leaving: Promise<void> | undefined
  let beat = 0

  const fail = (error: unknown): void => {
    failure ??= { error }
  }

  /** Says that this reader lives, and makes its share of the shards what it should be. */
  async function exchange(): Promise<void> {
    const page = await book.read(group)
    if (!page.exists) await book.ensure(group)
    const beats = new Map([...page.beats].map(([reader, entry]) => [reader, entry.beat]))
    for (const reader of findSilent(beats)) if (reader !== id) await forgetReader(page, reader)
    if (await book.beat(group, id, page.beats.get(id)?.revision ?? 0, ++beat))
      page.beats.set(id, { beat, revision: 0 })
    for (const [shard, mine] of held) if (page.leases.get(shard)?.owner !== id) lose(shard, mine)
    await disown(page)
    // Read behind the leases: a shard that has one is then listed, unless it is gone.
    const shards = await kinesis.shards()
    await forgetGone(page, shards)
    const active = readable(shards, (shard) => page.leases.get(shard)?.checkpoint)
    const ownerOf = (shard: string) => page.leases.get(shard)?.owner
    const { surplus, claimable } = sharesOf(id, page.beats.keys(), active, ownerOf)
    for (const [shard, mine] of held) {
      mine.isDraining = surplus.includes(shard)
      if (mine.isDraining && mine.cursor.isIdle) await release(shard, mine)
    }
    for (const shard of claimable) if (!held.has(shard)) await claim(page, shard)
    bell.ring()
  }

  /** A claim or a hand-over whose answer was lost leaves a lease to a reader that does not read. */
  async function disown(page: GroupPage): Promise<void> {
    for (const [shard, lease] of page.leases) {
      if (lease.owner !== id || held.has(shard)) continue
      const freed = { ...lease, owner: undefined }
      await book.setLease(group, shard, lease.revision, freed)
      page.leases.set(shard, freed)
    }
  }

  async function forgetReader(page: GroupPage, reader: string): Promise<void> {
    const entry = page.beats.get(reader)
    if (entry) await book.forgetReader(group, reader, entry.revision)
    page.beats.delete(reader)
  }

  /** Kinesis deletes a shard with its last record. One that is younger than all that are listed is only not listed yet. */
  async function forgetGone(page: GroupPage, shards: readonly Shard[]): Promise<void> {
    const listed = new Set(shards.map((shard) => shard.id))
    const youngest = [...listed].toSorted().at(-1) ?? ''
    for (const [shard, { checkpoint, revision }] of page.leases) {
      if (listed.has(shard) || shard > youngest) continue
      if (checkpoint !== SHARD_END)
        logger.warn(
          { group, shard },
          `group ${group} lost what it had not read of ${shard}: it was older than the retention`,
        )
      await book.forgetLease(group, shard, revision)
      const mine = held.get(shard)
      if (mine) drop(shard, mine)
    }
  }

  async function claim(page: GroupPage, shard: string): Promise<void> {
    const { revision, checkpoint } = page.leases.get(shard) ?? { ...NO_LEASE, revision: 0 }
    if (!timer || !(await book.setLease(group, shard, revision, { owner: id, checkpoint }))) return
    held.set(shard, { cursor: open(shard, checkpoint, fail), saved: 0, saving: undefined, isDraining: false })
  }

  function drop(shard: string, mine: Held): void {
    if (held.get(shard) === mine) held.delete(shard)
    mine.cursor.close()
  }

  function lose(shard: string, mine: Held): void {
    drop(shard, mine)
    if (mine.cursor.isIdle && mine.saved === mine.cursor.progress) return
    logger.warn({ group, shard }, 'the lease went to another reader, which reads again from the checkpoint')
  }

  /** Writes what is acknowledged of a shard, and that it is this reader's or nobody's. False where it was another's. */
  async function write(shard: string, mine: Held, owner: string | undefined): Promise<boolean> {
    while (held.get(shard) === mine) {
      const { progress, position } = mine.cursor
      const lease = await book.lease(group, shard)
      if (lease.owner !== id) break
      const isOver = position === SHARD_END
      const next = { owner: isOver ? undefined : owner, checkpoint: position }
      if (!(await book.setLease(group, shard, lease.revision, next))) continue
      mine.saved = progress
      if (isOver) drop(shard, mine)
      // Its children may be read now.
      if (isOver) void renew()
      return true
    }
    return false
  }

  /** Resolves when what is acknowledged now is in the registry. One write at a time, which takes along all there is. */
  async function save(shard: string, mine: Held): Promise<void> {
    const { progress } = mine.cursor
    while (mine.saved < progress && held.get(shard) === mine) {
      mine.saving ??= write(shard, mine, id)
        .then((isKept) => {
          if (!isKept) lose(shard, mine)
        })
        .finally(() => {
          mine.saving = undefined
        })
      await mine.saving
    }
  }

  async function release(shard: string, mine: Held): Promise<void> {
    await mine.saving?.catch(() => {})
    // What was fetched and not handed out is fetched again by who comes next.
    mine.cursor.close()
    try {
      await write(shard, mine, undefined)
    } finally {
      drop(shard, mine)
    }
  }

  /** One exchange at a time. Trouble that passes is tried again; any other ends the reading. */
  function renew(): Promise<void> {
    if (!timer) return Promise.resolve()
    renewing ??= exchange()
      .then(() => outage.ended(held))
      .catch((error: unknown) => {
        if (isClosed) return
        if (error instanceof TransientError) outage.began(held, error)
        else fail(error)
        bell.ring()
      })
      .finally(() => {
        renewing = undefined
      })
    return renewing
  }

  async function releaseAll(): Promise<void> {
    clearInterval(timer)
    timer = undefined
    await renewing
    try {
      await Promise.all([...held].map(([shard, mine]) => release(shard, mine)))
      const entry = (await book.read(group)).beats.get(id)
      if (entry) await book.forgetReader(group, id, entry.revision)
      bell.ring()
    } catch (error) {
      const text = 'the leases could not be given back; the next reader waits them out'
      logger.warn({ group, error }, text)
    }
    for (const [shard, mine] of held) drop(shard, mine)
  }

  function leave(): Promise<void> {
    leaving ??= releaseAll().finally(() => {
      leaving = undefined
    })
    return leaving
  }

  function leaveWhenIdle(): void {
    if (readings > 0 || !timer || isClosed) return
    if ([...held.values()].every(({ cursor }) => cursor.isIdle)) void leave()
  }

  async function enter(): Promise<void> {
    await leaving
    if (timer || isClosed || readings === 0) return
    timer = setInterval(() => void renew(), leaseMs / BEATS)
    await renew()
  }

  return {
    join() {
      readings++
      void enter()
    },
    leave() {
      readings--
      leaveWhenIdle()
    },
    check() {
      if (failure) throw failure.error
      for (const [shard, mine] of held) {
        const { progress, position } = mine.cursor
        if (position === SHARD_END && mine.saved < progress && !mine.saving)
          void save(shard, mine).catch((error: unknown) => {
            if (!(error instanceof TransientError)) fail(error)
          })
      }
    },
    cursors() {
      // What is being given back is not handed out any more, not even to who has just come.
      if (leaving) return []
      return [...held.values()].filter(({ isDraining }) => !isDraining).map(({ cursor }) => cursor)
    },
    async acknowledge(takings) {
      if (isClosed) return
      for (const taken of takings) taken.cursor.settle(taken)
      const cursors = new Set(takings.map(({ cursor }) => cursor))
      const mine = [...held].filter(([, { cursor }]) => cursors.has(cursor))
      await Promise.all(mine.map(([shard, each]) => save(shard, each)))
      if (mine.some(([, { isDraining, cursor }]) => isDraining && cursor.isIdle)) void renew()
      leaveWhenIdle()
    },
    async close() {
      isClosed = true
      if (timer || leaving) await leave()
    },
  }
}
