import type { Consumer } from '@platformatic/kafka'
import { TransientError } from '../../errors.ts'
import { within } from '../../lib/waiting.ts'
import { calm, type Connection, discard } from './connect.ts'
import type { Offsets } from './groups.ts'
import { translate } from './translate.ts'

/** Looks at single messages, and leaves no trace of it. */
export interface Peeker {
  /** When the oldest of the messages at these offsets was published, by the clock of who did; undefined where there is none. */
  oldestOf(offsets: Offsets, signal?: AbortSignal): Promise<number | undefined>
  close(): void
}

const LIMIT_MS = 4_000

export function createPeeker({ kafka, options, address }: Connection, topic: string): Peeker {
  let current: Consumer | undefined
  /** One after the other: what is asked of a broker belongs to one session with it. */
  let queue: Promise<unknown> = Promise.resolve()

  function open(): Consumer {
    const consumer = calm(new kafka.Consumer({ ...options, groupId: 'none' }))
    consumer.topics.track(topic)
    return consumer
  }

  async function look(consumer: Consumer, offsets: Offsets): Promise<number | undefined> {
    const times: number[] = []
    // Each alone: only the first partition that is asked for gives a message that is larger than what may be given.
    for (const [partition, offset] of offsets) times.push(...(await timeAt(consumer, partition, offset)))
    return times.length === 0 ? undefined : Math.min(...times)
  }

  async function timeAt(consumer: Consumer, partition: number, offset: number): Promise<readonly number[]> {
    const metadata = await consumer.metadata({ topics: [topic] })
    const found = metadata.topics.get(topic)
    const node = found?.partitions[partition]?.leader ?? -1
    const asked = { partition, fetchOffset: BigInt(offset), partitionMaxBytes: 1 }
    const { responses } = await consumer.fetch({
      node,
      topics: [
        {
          topicId: found?.id ?? '',
          partitions: [{ ...asked, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }],
        },
      ],
      minBytes: 1,
      maxBytes: 1,
      maxWaitTime: 0,
    })
    const batches = responses.flatMap(({ partitions }) => partitions).flatMap(({ records }) => records ?? [])
    const times = batches.flatMap(({ firstOffset, firstTimestamp, records }) =>
      records
        .filter(({ offsetDelta }) => Number(firstOffset) + offsetDelta >= offset)
        .map(({ timestampDelta }) => Number(firstTimestamp + timestampDelta)),
    )
    return times.slice(0, 1)
  }

  return {
    oldestOf(offsets, signal) {
      const looking = queue.then(async () => {
        const consumer = (current ??= open())
        try {
          const late = () =>
            new TransientError('QUEUE_UNAVAILABLE', `queue.brokers ${address}: no answer in time`)
          return await within(LIMIT_MS, look(consumer, offsets), late, signal)
        } catch (error) {
          discard(consumer)
          current = undefined
          throw translate(error, address)
        }
      })
      queue = looking.catch(() => {})
      return looking
    },
    close() {
      if (current) discard(current)
    },
  }
}
