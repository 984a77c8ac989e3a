import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer } from '@platformatic/kafka'
import type { Logger } from '../../adapter.ts'
import { calm, type Connection, discard } from './connect.ts'
import type { Outage } from './outage.ts'
import type { Tenure } from './tenure.ts'
import { says, translate } from './translate.ts'

/** Fills tenures with what the brokers have for them, on connections of its own. */
export interface Fetcher {
  /** Looks again for what is to be fetched. */
  kick(): void
  close(): void
}

export interface FetcherOptions {
  readonly connection: Connection
  readonly topic: string
  readonly tenures: () => Iterable<Tenure>
  readonly outage: Outage
  readonly logger: Logger
  readonly onArrival: () => void
  /** There are so many partitions now. */
  readonly onPartitions?: (count: number) => void
  /** The brokers have lost what this tenure has read: its partition begins anew. */
  readonly onReset: (tenure: Tenure, start: number) => void
}

type Answer = Awaited<ReturnType<Consumer['fetch']>>['responses'][number]['partitions'][number]

const LOW_BYTES = 512 * 1024
const PARTITION_BYTES = 1024 * 1024
const RESPONSE_BYTES = 4 * 1024 * 1024
/** What all tenures of one fetcher may hold before it fetches more. */
const MOST_BYTES = 16 * 1024 * 1024
const WAIT_MS = 500
/** While some tenures are full, soon none of them may be. */
const SHORT_WAIT_MS = 20
const OUT_OF_RANGE = 1

export function createFetcher(options: FetcherOptions): Fetcher {
  const { connection, topic, tenures, outage, logger, onArrival, onPartitions, onReset } = options
  const { kafka, address } = connection
  const consumer: Consumer = calm(new kafka.Consumer({ ...connection.options, groupId: 'none' }))
  consumer.topics.track(topic)
  const closing = new AbortController()
  const busy = new Set<number>()
  let isPlanning = false
  let isKicked = false

  function wanting(): readonly Tenure[] {
    const all = [...tenures()]
    const total = all.reduce((sum, { bytes }) => sum + bytes, 0)
    return total > MOST_BYTES ? [] : all.filter(({ bytes }) => bytes < LOW_BYTES)
  }

  async function plan(): Promise<void> {
    const metadata = await consumer.metadata({ topics: [topic] })
    const found = metadata.topics.get(topic)
    if (!found) throw new Error(`Unknown topic ${topic}.`)
    onPartitions?.(found.partitionsCount)
    const leaderOf = ({ partition }: Tenure): number => found.partitions[partition]?.leader ?? -1
    for (const [node, some] of Map.groupBy(wanting(), leaderOf))
      if (!busy.has(node)) void fetchFrom(node, found.id, some)
  }

  async function fetchFrom(node: number, topicId: string, some: readonly Tenure[]): Promise<void> {
    busy.add(node)
    const isAll = some.length === [...tenures()].length
    const asked = new Map(some.map((tenure) => [tenure.partition, { tenure, position: tenure.position }]))
    const partitions = [...asked].map(([partition, { position }]) => ({
      partition,
      fetchOffset: BigInt(position),
      partitionMaxBytes: PARTITION_BYTES,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
    }))
    const request = {
      node,
      topics: [{ topicId, partitions }],
      minBytes: 1,
      maxBytes: RESPONSE_BYTES,
      maxWaitTime: isAll ? WAIT_MS : SHORT_WAIT_MS,
    }
    try {
      const { answers, failure } = await consumer.fetch(request).then(
        ({ responses }) => ({ answers: responses.flatMap((each) => each.partitions), failure: undefined }),
        // One partition that has trouble must not keep the others from being read.
        (error: unknown) => ({ answers: soundAnswersIn(error), failure: error }),
      )
      for (const answer of answers) {
        const { tenure, position } = asked.get(answer.partitionIndex) ?? {}
        // What was asked for before something changed is of no use.
        if (tenure && !tenure.isOver && tenure.position === position) await accept(tenure, answer)
      }
      onArrival()
      if (failure !== undefined && !says(failure, 'OFFSET_OUT_OF_RANGE')) throw failure
      outage.over()
    } catch (error) {
      await pause(error)
    } finally {
      busy.delete(node)
      kick()
    }
  }

  async function accept(tenure: Tenure, { errorCode, records }: Answer): Promise<void> {
    if (errorCode === 0 && records) tenure.add(records)
    if (errorCode !== OUT_OF_RANGE) return
    const { partition, position } = tenure
    const earliest = await consumer.listOffsets({
      topics: [topic],
      partitions: { [topic]: [partition] },
      timestamp: kafka.ListOffsetTimestamps.EARLIEST,
    })
    const start = Number(earliest.get(topic)?.[partition] ?? Number.NaN)
    const place = { topic, partition, offset: position, start }
    if (start > position) {
      logger.warn(
        place,
        `${start - position} messages of ${topic} were deleted by its retention before they were read`,
      )
      tenure.skipTo(start)
    } else {
      logger.warn(
        place,
        `the brokers have lost messages of ${topic} that were read: what they still have is read again`,
      )
      onReset(tenure, start)
    }
  }

  async function pause(error: unknown): Promise<void> {
    if (closing.signal.aborted) return
    consumer.clearMetadata()
    const waitMs = outage.failed(translate(error, address))
    await sleep(waitMs, undefined, { signal: closing.signal }).catch(() => {})
  }

  function kick(): void {
    isKicked = true
    if (!isPlanning) void planAll()
  }

  async function planAll(): Promise<void> {
    isPlanning = true
    while (isKicked && !closing.signal.aborted) {
      isKicked = false
      await plan().catch(async (error: unknown) => {
        await pause(error)
        isKicked = true
      })
    }
    isPlanning = false
  }

  return {
    kick,
    close() {
      closing.abort()
      discard(consumer)
    },
  }
}

/** What a failed answer brought nevertheless, unless parts of it were taken back by who published them. */
function soundAnswersIn(error: unknown): readonly Answer[] {
  if (typeof error !== 'object' || error === null || !('response' in error)) return []
  const response = error.response as { responses?: { partitions: Answer[] }[] }
  const answers = response.responses?.flatMap(({ partitions }) => partitions) ?? []
  return answers.filter(({ abortedTransactions }) => !abortedTransactions || abortedTransactions.length === 0)
}
