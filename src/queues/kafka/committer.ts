import type { Consumer } from '@platformatic/kafka'
import { TransientError } from '../../errors.ts'
import type { Bell } from '../../lib/bell.ts'
import { within } from '../../lib/waiting.ts'
import type { Tenure } from './tenure.ts'
import { isRebalancing, translate } from './translate.ts'

/** Tells the brokers how far a group has come in the partitions that are held. */
export interface Committer {
  /** Resolves once the brokers have noted all that was acknowledged before the call. */
  commit(): Promise<void>
  /** Resolves once nothing is under way, or soon anyway. */
  settled(): Promise<void>
}

export interface CommitterOptions {
  readonly consumer: Consumer
  readonly topic: string
  readonly address: string
  readonly tenures: () => Iterable<Tenure>
  /** Rings when the partitions have changed. */
  readonly bell: Bell
}

const COMMIT_MS = 10_000
/** How long the members of a group may take to share out the partitions anew. */
const REBALANCE_MS = 30_000
const LOOK_MS = 200
const LAST_MS = 1_500
const NEVER = new AbortController().signal

export function createCommitter({ consumer, topic, address, tenures, bell }: CommitterOptions): Committer {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  /** What is acknowledged while a commit is under way goes into one more, for all who ask. */
  function commit(): Promise<void> {
    if (!running) {
      running = commitAll().finally(() => (running = undefined))
      return running
    }
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined
        return commit()
      })
    return next
  }

  async function commitAll(): Promise<void> {
    const giveUpAt = performance.now() + REBALANCE_MS
    while (true) {
      const due = [...tenures()]
        .filter(({ acknowledged, committed }) => acknowledged > committed)
        .map((tenure) => ({ tenure, upTo: tenure.acknowledged }))
      if (due.length === 0) return
      try {
        await commitOffsets(due)
        for (const { tenure, upTo } of due) tenure.committed = upTo
        return
      } catch (error) {
        if (!isRebalancing(error) || performance.now() > giveUpAt) throw translate(error, address)
        // Some of these partitions may be somebody else's soon, and then it is no longer ours to tell.
        await bell.wait(NEVER, LOOK_MS)
      }
    }
  }

  async function commitOffsets(
    due: readonly { readonly tenure: Tenure; readonly upTo: number }[],
  ): Promise<void> {
    const offsets = due.map(({ tenure: { partition }, upTo }) => {
      return { topic, partition, offset: BigInt(upTo), leaderEpoch: -1 }
    })
    const late = (): Error =>
      new TransientError('QUEUE_UNAVAILABLE', `queue.brokers ${address}: no answer in ${COMMIT_MS} ms`)
    await within(COMMIT_MS, consumer.commit({ offsets }), late)
  }

  return {
    commit,
    async settled() {
      const all = Promise.allSettled([running, next])
      await within(LAST_MS, all, () => new Error('late')).catch(() => {})
    },
  }
}
