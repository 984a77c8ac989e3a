import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer } from '@platformatic/kafka'
import type { Logger } from '../../adapter.ts'
import type { Bell } from '../../lib/bell.ts'
import { calm, type Connection, discard } from './connect.ts'
import { createCommitter } from './committer.ts'
import { createFetcher } from './fetcher.ts'
import type { Groups } from './groups.ts'
import { createTaker, type Holding } from './holding.ts'
import { CALM_MS, createOutage } from './outage.ts'
import { createTenure, type Taken, type Tenure } from './tenure.ts'
import { isRebalancing, translate } from './translate.ts'

/** A reader of a group, as the brokers see it: one for all that read the group through one queue. */
export interface Member extends Holding {
  readonly isClosed: boolean
  /** Gives the partitions to the others at once. What is acknowledged later counts for nothing. */
  close(): Promise<void>
}

export interface MemberOptions {
  readonly connection: Connection
  readonly groups: Groups
  readonly topic: string
  readonly group: string
  /** The group's name on the brokers. */
  readonly groupId: string
  readonly partitions: number
  readonly sessionTimeoutMs: number
  readonly logger: Logger
  readonly bell: Bell
  /** Settles once the member before this one is gone. */
  readonly predecessor: Promise<void> | undefined
}

const HEARTBEAT_MS = 1_000
/** The brokers answer a joining member only when all others have joined, or their session is over. */
const JOIN_MARGIN_MS = 5_000
const REJOIN_MS = 200

export function createMember(options: MemberOptions): Member {
  const { connection, groups, topic, group, sessionTimeoutMs, logger, bell } = options
  const consumer = openConsumer(options)
  const outage = createOutage(`reading ${topic} as the group ${group}`, logger)
  const tenures = new Map<number, Tenure>()
  const outstanding = new Set<Taken>()
  const takeFrom = createTaker()
  const closing = new AbortController()
  let readers = 0
  let partitions = options.partitions
  let last: { readonly memberId: string; readonly generationId: number } | undefined
  let joinedAt = 0
  let joins = 0
  let isJoining = false
  /** Partitions are about to change hands: what is handed over now may be handed over elsewhere as well. */
  let isPaused = false
  let leaving: Promise<void> | undefined

  const committer = createCommitter({
    consumer,
    topic,
    tenures: () => tenures.values(),
    address: connection.address,
    bell,
  })
  const fetcher = createFetcher({
    connection,
    topic,
    outage: createOutage(`fetching ${topic} for the group ${group}`, logger, CALM_MS),
    logger,
    tenures: () => tenures.values(),
    onArrival: () => bell.ring(),
    onPartitions(count) {
      if (count <= partitions) return
      partitions = count
      // Who shares out the partitions must know of the new ones.
      consumer.clearMetadata()
      void join()
    },
    onReset(tenure, start) {
      end(tenure)
      tenures.set(tenure.partition, createTenure(tenure.partition, start))
    },
  })

  consumer.on('consumer:group:rebalance', () => {
    isPaused = true
  })
  consumer.on('consumer:group:join', (event) => void assigned(event))
  consumer.on('error', () => void join())
  void (options.predecessor ?? Promise.resolve()).then(join)

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: closing.signal }).catch(() => {})
  }

  async function join(): Promise<void> {
    if (isJoining) return
    isJoining = true
    while (!closing.signal.aborted) {
      try {
        await consumer.joinGroup({})
        break
      } catch (error) {
        if (closing.signal.aborted) break
        await pause(isRebalancing(error) ? REJOIN_MS : outage.failed(translate(error, connection.address)))
      }
    }
    isJoining = false
  }

  interface Assignment {
    readonly memberId: string
    readonly generationId?: number
    readonly assignments?: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  }

  async function assigned({ memberId, generationId = 0, assignments = [] }: Assignment): Promise<void> {
    // Who was sent away, or missed a generation, can't know what others have done with its partitions meanwhile.
    const isUnbroken = last?.memberId === memberId && generationId - last.generationId <= 1
    const mine = assignments.find((each) => each.topic === topic)?.partitions ?? []
    last = { memberId, generationId }
    joinedAt = Date.now()
    for (const tenure of tenures.values()) if (!isUnbroken || !mine.includes(tenure.partition)) end(tenure)
    isPaused = false
    bell.ring()
    await begin(mine, ++joins)
    bell.ring()
    fetcher.kick()
  }

  /** Begins what is not held yet where the group has come to, unless the assignment changes meanwhile. */
  async function begin(mine: readonly number[], ofJoin: number): Promise<void> {
    const isCurrent = (): boolean => joins === ofJoin && !closing.signal.aborted
    const added = mine.filter((partition) => !tenures.has(partition))
    while (isCurrent() && added.length > 0) {
      try {
        const starts = await groups.startsOf(group, added)
        if (!isCurrent()) return
        for (const [partition, start] of starts) tenures.set(partition, createTenure(partition, start))
        break
      } catch (error) {
        await pause(outage.failed(translate(error, connection.address)))
      }
    }
    if (isCurrent()) outage.over()
  }

  function end(tenure: Tenure): void {
    tenure.isOver = true
    tenures.delete(tenure.partition)
  }

  /** The brokers have not heard of this member for so long that others may have its partitions. */
  function isSilent(): boolean {
    const heardAt = Math.max(joinedAt, consumer.lastHeartbeat?.getTime() ?? 0)
    return Date.now() - heardAt > sessionTimeoutMs
  }

  function leaveIfDone(): void {
    const isHolding = [...outstanding].some(({ tenure }) => !tenure.isOver)
    if (readers === 0 && !isHolding) void close()
  }

  function close(): Promise<void> {
    leaving ??= depart()
    return leaving
  }

  async function depart(): Promise<void> {
    closing.abort()
    await committer.settled()
    fetcher.close()
    for (const tenure of tenures.values()) end(tenure)
    const { memberId } = consumer
    discard(consumer)
    // Else the others wait until its session is over. Where the brokers can't be told, so be it.
    if (memberId !== null) await groups.dismiss(group, memberId).catch(() => {})
  }

  return {
    get isClosed() {
      return leaving !== undefined
    },
    enter() {
      readers++
    },
    leave() {
      readers--
      leaveIfDone()
    },
    take(room) {
      if (isPaused || closing.signal.aborted || isSilent()) return []
      const takings = takeFrom(tenures.values(), room)
      for (const taken of takings) outstanding.add(taken)
      fetcher.kick()
      return takings
    },
    async acknowledge(takings) {
      for (const { tenure, from, to } of takings) tenure.settle(from, to)
      await committer.commit()
      for (const taken of takings) outstanding.delete(taken)
      leaveIfDone()
    },
    close,
  }
}

function openConsumer({ connection, groupId, topic, sessionTimeoutMs }: MemberOptions): Consumer {
  const consumer = calm(
    new connection.kafka.Consumer({
      ...connection.options,
      groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(HEARTBEAT_MS, sessionTimeoutMs / 3),
      requestTimeout: sessionTimeoutMs + JOIN_MARGIN_MS,
    }),
  )
  consumer.topics.track(topic)
  return consumer
}
