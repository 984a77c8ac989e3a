import { PARTITIONS } from './folder.ts'

/**
 * What a topic knows of itself, in one record, so that every step is one small transaction. Numbers of messages count
 * from 0 in each partition and are never used again.
 */
export interface Topic {
  readonly partitions: readonly Partition[]
  readonly groups: Group[]
}

export interface Partition {
  /** The first message that is kept, and when the block that holds it was written, in milliseconds since 1970. */
  oldest: number
  oldestAt: number
  /** The number that the next message gets. */
  next: number
  /** The size of the blocks that are kept. */
  bytes: number
}

export interface Group {
  readonly name: string
  /** Messages that this group has not acknowledged are kept, whatever their age and size. */
  readonly hold: boolean
  readonly shares: readonly Share[]
  /** The readers by their ids, each with a number that it changes every second for as long as it lives. */
  readonly readers: Record<string, number>
}

/** One partition, as a group sees it. */
export interface Share {
  /** The first message that is not acknowledged. */
  cursor: number
  /** The reader that has the lease. */
  owner?: string
}

export function createTopic(): Topic {
  const partitions = Array.from({ length: PARTITIONS }, () => ({ oldest: 0, oldestAt: 0, next: 0, bytes: 0 }))
  return { partitions, groups: [] }
}

export function findGroup(topic: Topic, name: string): Group | undefined {
  return topic.groups.find((group) => group.name === name)
}

/** The group of that name, made if there is none: it starts at the oldest kept message. */
export function ensureGroup(topic: Topic, name: string, hold: boolean): Group {
  const known = findGroup(topic, name)
  if (known) return known
  const group = {
    name,
    hold,
    shares: topic.partitions.map(({ oldest }) => ({ cursor: oldest })),
    readers: {},
  }
  topic.groups.push(group)
  return group
}

export function bytesOf(topic: Topic): number {
  return topic.partitions.reduce((sum, { bytes }) => sum + bytes, 0)
}

/**
 * How many kept messages a group has not acknowledged, or how many of those before `ends`, one of each partition. A group
 * that isn't there yet has them all before it.
 */
export function backlogOf(topic: Topic, name: string, ends?: readonly number[]): number {
  const shares = findGroup(topic, name)?.shares
  return topic.partitions.reduce((sum, { oldest, next }, index) => {
    const end = ends?.[index] ?? next
    return sum + Math.max(0, end - Math.max(oldest, shares?.[index]?.cursor ?? oldest))
  }, 0)
}

/** The first message of each partition that a group has not acknowledged; undefined where it has them all. */
export function waitingFrom(topic: Topic, name: string): readonly (number | undefined)[] {
  const shares = findGroup(topic, name)?.shares
  return topic.partitions.map(({ oldest, next }, index) => {
    const position = Math.max(oldest, shares?.[index]?.cursor ?? oldest)
    return position < next ? position : undefined
  })
}

/** The first message of a partition that a holding group still needs. */
export function neededFrom(topic: Topic, partition: number): number {
  const holding = topic.groups.filter(({ hold }) => hold)
  return Math.min(...holding.map(({ shares }) => shares[partition]?.cursor ?? 0))
}

export function partitionAt(topic: Topic, index: number): Partition {
  const partition = topic.partitions[index]
  if (!partition)
    throw new RangeError(`a topic has ${topic.partitions.length} partitions, there is no ${index}`)
  return partition
}

export function shareAt(group: Group, partition: number): Share {
  const share = group.shares[partition]
  if (!share) throw new RangeError(`a group has ${group.shares.length} partitions, there is no ${partition}`)
  return share
}
