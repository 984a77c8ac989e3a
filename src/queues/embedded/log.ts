import { HeadwaterError, TransientError } from '../../errors.ts'
import { formatBytes, formatCount } from '../../lib/units.ts'
import type { Message } from '../queue.ts'
import { type Block, decodeBlock } from './block.ts'
import { type Folder, type Key, PARTITIONS } from './folder.ts'
import {
  backlogOf,
  bytesOf,
  createTopic,
  neededFrom,
  type Partition,
  partitionAt,
  type Topic,
  waitingFrom,
} from './topic.ts'

export interface Limits {
  /** How long a message is kept at least, in milliseconds. */
  readonly retentionMs: number
  /** How much of a topic is kept for longer than its holding groups need it, and how much for them. */
  readonly maxBytes: number
}

/** One topic of a folder: what is kept, who reads it, and how far. */
export interface Log {
  /** Whether anything was ever written to it. */
  exists(): boolean
  /** The topic as it is now, also to other processes. */
  state(): Topic
  /** Changes the topic in one transaction, and resolves when that is synced to disk. */
  change<T>(work: (topic: Topic) => T): Promise<T>
  /** How long the oldest message that a group has not acknowledged has been here; 0 where there is none. */
  oldestAgeMs(group: string): number
  /** All of the blocks or none; throws a `TransientError` where the topic is full. */
  append(blocks: readonly Block[]): Promise<void>
  /** The messages from `position` on, whole blocks of them, until there are enough. That one must be kept. */
  read(partition: number, position: number, enough: Enough): Message[]
  /** Removes all of it, in several transactions, which may be cut off and done again. */
  remove(): Promise<void>
}

export interface Enough {
  readonly items: number
  readonly bytes: number
}

/** Blocks that one transaction deletes at most, in each partition. */
const TRIMMED_AT_ONCE = 64
/** Keys that are looked at together. */
const KEYS_AT_ONCE = 256

/** A block's key says all about it but its messages, so that most questions need not read it. */
interface BlockKey {
  readonly key: Key
  readonly first: number
  readonly count: number
  readonly writtenAt: number
  readonly bytes: number
}

export function createLog(folder: Folder, name: string, limits: Limits, clock: () => number): Log {
  const { root, transact } = folder
  const topicKey: Key = ['topic', name]
  const partitionKey = (partition: number, ...rest: number[]): Key => ['block', name, partition, ...rest]

  function state(): Topic {
    const record = root.getBinary(topicKey)
    return record ? (JSON.parse(record.toString()) as Topic) : createTopic()
  }

  function change<T>(work: (topic: Topic) => T): Promise<T> {
    return transact(() => {
      const topic = state()
      trim(topic)
      const result = work(topic)
      void root.put(topicKey, Buffer.from(JSON.stringify(topic)))
      return result
    })
  }

  async function append(blocks: readonly Block[]): Promise<void> {
    const full = await change((topic) => {
      if (bytesOf(topic) >= limits.maxBytes) return topic
      const writtenAt = clock()
      for (const block of blocks) write(topic, block, writtenAt)
      return undefined
    })
    if (full) throw new TransientError('QUEUE_FULL', explainFull(full))
    folder.content.ring()
  }

  function write(topic: Topic, { partition: index, count, bytes }: Block, writtenAt: number): void {
    const partition = partitionAt(topic, index)
    if (partition.oldest === partition.next) partition.oldestAt = writtenAt
    void root.put(partitionKey(index, partition.next, count, writtenAt, bytes.length), bytes)
    partition.next += count
    partition.bytes += bytes.length
  }

  function explainFull(topic: Topic): string {
    const waiting = topic.groups
      .filter(({ hold }) => hold)
      .map(
        (group) =>
          `the group ${group.name} has not read ${formatCount(backlogOf(topic, group.name))} messages`,
      )
    return (
      `The topic ${name} in ${folder.path} keeps ${formatBytes(bytesOf(topic))}, as much as max_bytes allows ` +
      `(${formatBytes(limits.maxBytes)}), since ${waiting.join(' and ')}. It takes messages again once they are read.`
    )
  }

  function oldestAgeMs(group: string): number {
    const writtenAt = waitingFrom(state(), group).flatMap((position, partition) => {
      return position === undefined ? [] : blocksFrom(partition, position, 1).map((block) => block.writtenAt)
    })
    return writtenAt.length === 0 ? 0 : Math.max(0, clock() - Math.min(...writtenAt))
  }

  /** Deletes what no holding group needs, where it is old or the topic has grown too large. */
  function trim(topic: Topic): void {
    const now = clock()
    const isDue = (writtenAt: number): boolean =>
      writtenAt + limits.retentionMs <= now || bytesOf(topic) >= limits.maxBytes
    for (const [index, partition] of topic.partitions.entries()) {
      const needed = neededFrom(topic, index)
      if (partition.oldest < needed && isDue(partition.oldestAt)) {
        trimPartition(index, partition, needed, isDue)
      }
    }
  }

  function trimPartition(
    index: number,
    partition: Partition,
    needed: number,
    isDue: (writtenAt: number) => boolean,
  ): void {
    for (const { key, first, count, writtenAt, bytes } of blocksFrom(
      index,
      partition.oldest,
      TRIMMED_AT_ONCE,
    )) {
      partition.oldestAt = writtenAt
      if (first + count > needed || !isDue(writtenAt)) return
      void root.remove(key)
      partition.oldest = first + count
      partition.bytes -= bytes
    }
  }

  /** The block that holds a message, and those after it. */
  function blocksFrom(partition: number, position: number, limit: number): BlockKey[] {
    const [before] = root.getKeys({
      start: partitionKey(partition, position + 1),
      end: partitionKey(partition),
      reverse: true,
      limit: 1,
    })
    const start = before ?? partitionKey(partition)
    return Array.from(root.getKeys({ start, end: partitionKey(partition + 1), limit }), parseBlockKey)
  }

  function read(partition: number, position: number, enough: Enough): Message[] {
    const messages: Message[] = []
    let bytes = 0
    for (const block of blocksFrom(partition, position, KEYS_AT_ONCE)) {
      const from = position + messages.length
      if (block.first > from || block.first + block.count <= from)
        throw damaged(partition, from, 'it is missing')
      const more = open(partition, block)
      messages.push(...more.slice(from - block.first))
      bytes += block.bytes
      if (messages.length >= enough.items || bytes >= enough.bytes) break
    }
    if (messages.length === 0) throw damaged(partition, position, 'it is missing')
    return messages
  }

  function open(partition: number, { key, first, count, bytes }: BlockKey): Message[] {
    const value = root.getBinary(key)
    if (value?.length !== bytes)
      throw damaged(partition, first, `it has ${value?.length ?? 'no'} bytes of ${bytes}`)
    const messages = decodeBlock(value, count)
    if (!messages) throw damaged(partition, first, 'its bytes are not those that were written')
    return messages
  }

  async function remove(): Promise<void> {
    for (let gone = KEYS_AT_ONCE; gone === KEYS_AT_ONCE; ) {
      gone = await transact(() => {
        const range = { start: ['block', name], end: ['block', name, PARTITIONS], limit: KEYS_AT_ONCE }
        const keys = Array.from(root.getKeys(range))
        for (const key of keys) void root.remove(key)
        if (keys.length < KEYS_AT_ONCE) void root.remove(topicKey)
        return keys.length
      })
    }
  }

  function damaged(partition: number, first: number, what: string): HeadwaterError {
    return new HeadwaterError(
      'DATA_CORRUPT',
      `The block of topic ${name}, partition ${partition}, message ${first} in ${folder.path} is damaged: ${what}.`,
    )
  }

  return { exists: () => root.doesExist(topicKey), state, change, oldestAgeMs, append, read, remove }
}

function parseBlockKey(key: Key): BlockKey {
  const [first = 0, count = 0, writtenAt = 0, bytes = 0] = key.slice(3).map(Number)
  return { key, first, count, writtenAt, bytes }
}
