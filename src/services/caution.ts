import { hash } from 'node:crypto'
import type { Outcome } from '../batch.ts'
import { TransientError } from '../errors.ts'
import type { Registry } from '../stores/registry.ts'
import { forget } from './forget.ts'
import type { Into } from './narrow.ts'
import { noteStart } from './starts.ts'

export interface Cautious<T> {
  readonly registry: Registry
  readonly topic: string
  readonly into: Into<T>
  readonly bytesOf: (item: T) => Buffer
  /** Makes the item a dead letter: the process ended each time it was tried. */
  readonly convict: (item: T, error: unknown, signal: AbortSignal) => Promise<Outcome>
  /** How many items may have been under way when the process ended: with so many care is taken. */
  readonly suspects: number
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Told of each time that the start could not be noted yet. */
  readonly onTrouble?: ((error: TransientError) => void) | undefined
}

/** So many ends in a row may have had any other cause. */
const UNCLEAN_ENDS = 2
/** So many are noted together, since a note is a write to the registry. */
const GROUP = 64
/** So often the process must have ended while one item was tried alone. */
const ENDS_ALONE = 3

/**
 * Guards against a message that ends the whole process. After two unclean ends in a row, of this process or of others that
 * are gone, the first items are taken in small groups, each noted in the registry before it is tried; what was in the group of
 * a process that ended is then taken one by one, and counted. `finish` notes a clean end.
 */
export async function withCaution<T>(
  options: Cautious<T>,
  signal: AbortSignal,
): Promise<{ into: Into<T>; finish: () => Promise<void> }> {
  const { registry, topic, into, bytesOf, suspects, clock, onTrouble } = options
  const start = await noteStart({ registry, what: topic, clock, onTrouble }, signal)
  const isCautious = start.uncleanEnds >= UNCLEAN_ENDS
  const takeOne = countingEnds(options)
  /** The calls that are under way; each knows how many items had passed when it began. */
  const underWay = new Set<{ readonly begunAt: number }>()
  let passed = 0
  let isNoted = true
  let last: Promise<unknown> = Promise.resolve()

  async function carefully(items: readonly T[], abort: AbortSignal): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    let group: T[] = []
    async function takeGroup(): Promise<void> {
      if (group.length === 0) return
      await start.trying(group.map((item) => markOf(bytesOf(item))))
      outcomes.push(...(await into(group, abort)))
      group = []
    }
    for (const item of items) {
      const isSuspect = start.suspects.has(markOf(bytesOf(item)))
      if (isSuspect || group.length === GROUP) await takeGroup()
      if (isSuspect) outcomes.push(await takeOne(item, abort))
      else group.push(item)
    }
    await takeGroup()
    return outcomes
  }

  /** One call at a time, or the item that is tried beside the culprit would be blamed as well. */
  function inTurn<R>(work: () => Promise<R>): Promise<R> {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }

  /** A culprit is among the first, and may take its time while others pass: all of the first must have passed. */
  async function relax(): Promise<void> {
    const isOver = passed >= suspects && [...underWay].every(({ begunAt }) => begunAt >= suspects)
    if (!isNoted || !isOver) return
    await start.through()
    isNoted = false
  }

  return {
    async into(items, abort) {
      const call = { begunAt: passed }
      underWay.add(call)
      try {
        const isWatched = isCautious && passed < suspects
        const outcomes = await (isWatched ? inTurn(() => carefully(items, abort)) : into(items, abort))
        passed += items.length
        return outcomes
      } finally {
        underWay.delete(call)
        await relax()
      }
    },
    async finish() {
      try {
        if (isNoted) await start.through()
      } catch (error) {
        // A clean end that is not noted costs nothing but caution.
        if (!(error instanceof TransientError)) throw error
      }
    },
  }
}

/** Names a message in the registry. */
const markOf = (bytes: Buffer): string => hash('sha256', bytes, 'hex').slice(0, 32)

/** Takes one item, and convicts it if the process ended too often while it did so. */
function countingEnds<T>({ registry, into, convict, bytesOf }: Cautious<T>) {
  /** Counted by this process, once each: trouble that is thrown is no end, however often it is tried. */
  const counted = new Map<string, number>()

  return async function takeOne(item: T, signal: AbortSignal): Promise<Outcome> {
    const name = `storage/attempts/${markOf(bytesOf(item))}`
    const tries = counted.get(name) ?? (await addOne(registry, name, signal))
    counted.set(name, tries)
    const done = async (): Promise<void> => {
      await forget(registry, name)
      counted.delete(name)
    }
    if (tries <= ENDS_ALONE) {
      try {
        const [outcome = 'unchanged'] = await into([item], signal)
        return outcome
      } finally {
        await done()
      }
    }
    const why = new Error(`the process ended ${ENDS_ALONE} times while this was stored`)
    const outcome = await convict(item, why, signal)
    await done()
    return outcome
  }
}

async function addOne(registry: Registry, name: string, signal: AbortSignal): Promise<number> {
  while (true) {
    signal.throwIfAborted()
    const entry = await registry.get(name, { signal })
    const count = Number(entry?.value.toString() ?? 0) + 1
    if (await registry.compareAndSet(name, entry?.revision ?? 0, Buffer.from(String(count)), { signal }))
      return count
  }
}
