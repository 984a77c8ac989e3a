import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from '@platformatic/kafka'
import type { Cancellable } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import { retryUntilAborted } from '../../lib/retry.ts'
import type { GroupState, Queue } from '../queue.ts'
import type { Administrator, Connection } from './connect.ts'
import type { GroupNames } from './names.ts'
import type { Peeker } from './peek.ts'
import { isRebalancing, says } from './translate.ts'

/** An offset of each partition. */
export type Offsets = ReadonlyMap<number, number>

export interface Groups
  extends Required<
    Pick<Queue, 'backlog' | 'oldestAgeMs' | 'caughtUp' | 'groups' | 'addGroup' | 'removeGroup'>
  > {
  /** Makes a group begin at the oldest kept message, where it has not begun yet. */
  ensure(group: string, signal?: AbortSignal): Promise<void>
  /** Where a group goes on in these partitions: where it has not begun, at the oldest kept message. */
  startsOf(group: string, partitions: readonly number[]): Promise<Offsets>
  /** Where each partition begins now. */
  earliest(): Promise<Offsets>
  /** Takes a reader out of its group at once. */
  dismiss(group: string, member: string): Promise<void>
}

const EARLIEST = -2n
const LATEST = -1n
const LOOK_MS = 100
const AGAIN = { baseMs: 100, maxMs: 5_000 }
/** Who leaves does not wait for brokers that are away. */
const DISMISS_MS = 1_500

export function createGroups(
  { kafka }: Connection,
  administrator: Administrator,
  topic: string,
  names: GroupNames,
  peeker: Peeker,
): Groups {
  async function partitionsOf(admin: Admin): Promise<readonly number[]> {
    const metadata = await admin.metadata({ topics: [topic] })
    return [...(metadata.topics.get(topic)?.partitions.keys() ?? [])]
  }

  async function edges(admin: Admin, partitions: readonly number[], timestamp: bigint): Promise<Offsets> {
    const [found] = await admin.listOffsets({
      topics: [
        { name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })) },
      ],
      isolationLevel: kafka.FetchIsolationLevels.READ_COMMITTED,
    })
    return new Map(found?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]))
  }

  /** Only of the partitions in which it has begun. */
  async function committed(admin: Admin, id: string, partitions: readonly number[]): Promise<Offsets> {
    const topics = [{ name: topic, partitionIndexes: [...partitions] }]
    const [found] = await admin.listConsumerGroupOffsets({ groups: [{ groupId: id, topics }] })
    const known = found?.topics.flatMap((each) => each.partitions) ?? []
    return new Map(
      known.flatMap(({ partitionIndex, committedOffset: offset }) =>
        offset < 0n ? [] : [[partitionIndex, Number(offset)] as const],
      ),
    )
  }

  async function starts(admin: Admin, id: string, partitions: readonly number[]): Promise<Offsets> {
    const known = await committed(admin, id, partitions)
    const unknown = partitions.filter((partition) => !known.has(partition))
    const earliest = unknown.length === 0 ? [] : await edges(admin, unknown, EARLIEST)
    return new Map([...known, ...earliest])
  }

  async function ensure(admin: Admin, id: string): Promise<void> {
    const partitions = await partitionsOf(admin)
    const known = await committed(admin, id, partitions)
    const unknown = partitions.filter((partition) => !known.has(partition))
    if (unknown.length === 0) return
    const earliest = await edges(admin, unknown, EARLIEST)
    const partitionOffsets = [...earliest].map(([partition, offset]) => ({
      partition,
      offset: BigInt(offset),
    }))
    try {
      await admin.alterConsumerGroupOffsets({ groupId: id, topics: [{ name: topic, partitionOffsets }] })
    } catch (error) {
      // Its readers are at work, and begin by themselves.
      if (!isRebalancing(error)) throw error
    }
  }

  /** Where a group goes on in each partition in which there is something for it, and how many messages are left. */
  async function rest(admin: Admin, id: string, ends?: Offsets) {
    const partitions = await partitionsOf(admin)
    const to = ends ?? (await edges(admin, partitions, LATEST))
    const from = await starts(admin, id, partitions)
    return [...from]
      .map(([partition, start]) => ({ partition, start, count: (to.get(partition) ?? start) - start }))
      .filter(({ count }) => count > 0)
  }

  async function behind(admin: Admin, id: string, ends?: Offsets): Promise<number> {
    return (await rest(admin, id, ends)).reduce((sum, { count }) => sum + count, 0)
  }

  async function list(admin: Admin): Promise<readonly GroupState[]> {
    const ids = [...(await admin.listGroups({ types: ['classic', 'consumer'] })).keys()]
    const ours = ids.flatMap((id) => {
      const group = names.fromBroker(id)
      return group === undefined ? [] : [{ id, group }]
    })
    if (ours.length === 0) return []
    const described = await admin.describeGroups({ groups: ours.map(({ id }) => id) })
    return Promise.all(
      ours.map(async ({ id, group }) => {
        const backlog = await behind(admin, id)
        return { group, backlog, holds: false, readers: described.get(id)?.members.size ?? 0 }
      }),
    )
  }

  const ask = <T>(question: (admin: Admin) => Promise<T>, options?: Cancellable): Promise<T> =>
    administrator.ask(question, options?.signal)

  return {
    ensure: (group, signal) => administrator.ask((admin) => ensure(admin, names.toBroker(group)), signal),
    startsOf: (group, partitions) => ask((admin) => starts(admin, names.toBroker(group), partitions)),
    earliest: () => ask(async (admin) => edges(admin, await partitionsOf(admin), EARLIEST)),
    dismiss: (group, memberId) =>
      ask(
        (admin) => {
          const groupId = names.toBroker(group)
          return admin.removeMembersFromConsumerGroup({ groupId, members: [{ memberId }] })
        },
        { signal: AbortSignal.timeout(DISMISS_MS) },
      ),
    backlog: (group, options) => ask((admin) => behind(admin, names.toBroker(group)), options),
    async oldestAgeMs(group, options) {
      const left = await ask((admin) => rest(admin, names.toBroker(group)), options)
      const starts = new Map(left.map(({ partition, start }) => [partition, start]))
      const oldest = await peeker.oldestOf(starts, options?.signal)
      return oldest === undefined ? 0 : Math.max(0, Date.now() - oldest)
    },
    async caughtUp(group, { signal }) {
      const look = <T>(question: (admin: Admin) => Promise<T>): Promise<T | undefined> =>
        retryUntilAborted(() => ask(question, { signal }), signal, AGAIN)
      const ends = await look(async (admin) => edges(admin, await partitionsOf(admin), LATEST))
      while (!signal.aborted) {
        const rest = await look((admin) => behind(admin, names.toBroker(group), ends))
        if (rest === 0) return
        await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
      }
    },
    groups: (options) => ask(list, options),
    async addGroup(group, { hold, ...options }) {
      if (hold)
        throw new HeadwaterError(
          'USAGE',
          'Kafka keeps messages by retention, whatever a group has read: no group can hold them',
        )
      await ask((admin) => ensure(admin, names.toBroker(group)), options)
    },
    async removeGroup(group, options) {
      if (group === 'storage')
        throw new HeadwaterError(
          'USAGE',
          'the group storage carries reviews into the store and can not be removed',
        )
      try {
        await ask((admin) => admin.deleteGroups({ groups: [names.toBroker(group)] }), options)
        return true
      } catch (error) {
        if (says(error, 'GROUP_ID_NOT_FOUND')) return false
        if (!says(error, 'NON_EMPTY_GROUP')) throw error
        throw new HeadwaterError('CONFLICT', `a reader of the group ${group} is at work: stop it first`)
      }
    },
  }
}
