import { randomUUID } from 'node:crypto'
import type { Logger } from '../../adapter.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Batch } from '../../batch.ts'
import { checkName } from '../name.ts'
import type { Message, ReadOptions } from '../queue.ts'
import type { Line, Link } from './connect.ts'
import type { Names } from './names.ts'
import { createOutage } from './outage.ts'
import { createReader, type Reader, type ReaderOptions } from './reader.ts'
import { openTap, type TapOptions } from './tap.ts'
import { createTaps, type Taps, type TapsOptions } from './taps.ts'
import { enlist, readersOf } from './topology.ts'
import { isNotFound, translate } from './translate.ts'
import { createBell } from '../../lib/bell.ts'

export interface ReadersOptions {
  readonly names: Names
  readonly address: string
  readonly line: Line
  readonly prefetch: number
  readonly logger: Logger
  readonly ask: <T>(work: (link: Link) => Promise<T>) => Promise<T>
  readonly makeGroup: (group: string) => Promise<void>
  readonly closing: AbortSignal
}

/** All that read through one queue: one reader for each group, and one for each loop without a group. */
export interface Readers {
  readonly read: (options: ReadOptions) => AsyncGenerator<Batch<Message>, void, undefined>
  /** Messages of a group that this process has. */
  readonly unacknowledged: (group: string) => Promise<number>
}

/** How much waits at the broker for a reader without a group; beyond it such a reader misses the oldest. */
const ALONE_MESSAGES = 100_000

type NameQueue = TapOptions['queue']

export function createReaders(options: ReadersOptions): Readers {
  const { names, address, line, prefetch, logger, ask, makeGroup, closing } = options
  const ofGroups = new Map<string, { readonly reader: Reader; readonly taps: Taps }>()

  function create(
    group: string | undefined,
    queues: readonly NameQueue[],
    rest: Pick<TapsOptions, 'countReaders'> &
      Pick<ReaderOptions, 'forgets' | 'onEnd'> & { readonly prepare: () => Promise<void> },
  ) {
    const { countReaders, prepare, ...ofReader } = rest
    const bell = createBell()
    const outage = createOutage(logger, { broker: address, topic: names.topic, group })
    let prepared: Promise<void> | undefined
    const open = (queue: NameQueue) => async (wake: () => void) => {
      try {
        await (prepared ??= prepare())
        return await openTap(await line.link(), { prefetch, queue, wake })
      } catch (error) {
        // What is not there is made again, and what could not be made is tried again.
        if (isNotFound(error) || error instanceof HeadwaterError) prepared = undefined
        throw translate(error, address)
      }
    }
    const taps = createTaps({
      open: queues.map(open),
      countReaders,
      onTrouble: outage.began,
      onOpen: outage.over,
      wake: bell.ring,
    })
    return { taps, reader: createReader({ taps, bell, closing, ...ofReader }) }
  }

  function ofGroup(group: string): Reader {
    const known = ofGroups.get(group)
    if (known) return known.reader
    const its = names.group(group)
    const queues = its.queues.map(
      (queue, n): NameQueue =>
        async (channel) => {
          if (n === 0) await enlist(channel, its)
          return queue
        },
    )
    const made = create(group, queues, {
      forgets: false,
      prepare: () => makeGroup(group),
      countReaders: () => ask((link) => readersOf(link, its)),
      onEnd: () => ofGroups.delete(group),
    })
    ofGroups.set(group, made)
    return made.reader
  }

  /** Its queue is its own, and the broker deletes it with the channel. */
  function alone(): Reader {
    const queue: NameQueue = async (channel) => {
      const name = `${names.topic}.alone.${randomUUID()}`
      const options = { exclusive: true, autoDelete: true, durable: false, maxLength: ALONE_MESSAGES }
      await channel.assertQueue(name, options)
      await channel.bindQueue(name, names.topic, '')
      return name
    }
    return create(undefined, [queue], {
      forgets: true,
      prepare: async () => {},
      countReaders: async () => 1,
      onEnd: () => {},
    }).reader
  }

  return {
    // The reader is looked for when reading begins, since one that ends makes room for another.
    async *read(options) {
      const { group } = options
      if (group !== undefined) checkName('group', group)
      yield* (group === undefined ? alone() : ofGroup(group)).read(options)
    },
    unacknowledged: async (group) => (await ofGroups.get(group)?.taps.unacknowledged()) ?? 0,
  }
}
