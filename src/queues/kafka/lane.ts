import type { Producer } from '@platformatic/kafka'
import { TransientError } from '../../errors.ts'
import { formatDuration } from '../../lib/units.ts'
import { within } from '../../lib/waiting.ts'
import { calm, closed, type Connection, discard } from './connect.ts'
import { says, translate } from './translate.ts'

/** A message whose place is known. */
export interface Outgoing {
  readonly partition: number
  readonly key: Buffer
  readonly value: Buffer
  readonly headers: Map<Buffer, Buffer>
  /** What it takes in a batch, at most. */
  readonly bytes: number
}

/** One idempotent producer, with one send under way: so it keeps the order, and repeats without duplicates by itself. */
export interface Lane {
  /** Resolves once every replica that must has the messages. */
  send(messages: readonly Outgoing[]): Promise<void>
  close(): void
}

export interface LaneOptions {
  readonly connection: Connection
  readonly topic: string
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly publishTimeoutMs: number
  /** The most that the brokers take for one partition at once. */
  readonly batchBytes: number
}

/** One call of `send`. */
interface Job {
  missing: number
  readonly giveUpAt: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Waiting {
  readonly message: Outgoing
  readonly job: Job
}

/** What a broker says that does not lead a partition. */
const MOVED = ['NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH', 'LEADER_NOT_AVAILABLE'] as const
const MOST_MOVES = 3
const SEND_BYTES = 8 * 1024 * 1024

export function createLane(options: LaneOptions): Lane {
  const { connection, topic, publishTimeoutMs, batchBytes } = options
  const waiting: Waiting[] = []
  let producer: Producer | undefined
  /** Why the producer had to try again, for the message of who waited in vain. */
  let trouble: unknown
  let attempt: PromiseWithResolvers<never> | undefined
  let moves = 0
  let isRunning = false
  const closing = new AbortController()

  /** How many of those that wait go into the next send: as many as fit, in their order. */
  function fitting(): number {
    const ofPartition = new Map<number, number>()
    let total = 0
    const over = waiting.findIndex(({ message: { partition, bytes } }) => {
      const own = (ofPartition.get(partition) ?? 0) + bytes
      ofPartition.set(partition, own)
      total += bytes
      return own > batchBytes || total > SEND_BYTES
    })
    return over === -1 ? waiting.length : Math.max(1, over)
  }

  async function sendAll(entries: readonly Waiting[]): Promise<void> {
    producer ??= openProducer(options, onRetry)
    trouble = undefined
    moves = 0
    attempt = Promise.withResolvers()
    attempt.promise.catch(() => {})
    const messages = entries.map(({ message: { partition, key, value, headers } }) => {
      return { topic, partition, key, value, headers }
    })
    const leftMs = Math.max(0, (entries[0]?.job.giveUpAt ?? 0) - performance.now())
    const sending = Promise.race([producer.send({ messages }), attempt.promise])
    await within(leftMs, sending, late, closing.signal)
  }

  function onRetry(error: unknown): void {
    trouble = error
    // The client repeats to one broker what it began with one broker, though partitions have now several: only a new send
    // finds their new leaders.
    if (says(error, ...MOVED) && ++moves >= MOST_MOVES) attempt?.reject(translate(error, connection.address))
  }

  function late(): TransientError {
    const waited = `not confirmed within queue.publish_timeout of ${formatDuration(publishTimeoutMs)}`
    const reason = trouble === undefined ? '' : `: ${translate(trouble, connection.address).message}`
    return new TransientError('QUEUE_UNAVAILABLE', `queue.brokers ${connection.address}: ${waited}${reason}`)
  }

  async function run(): Promise<void> {
    if (isRunning) return
    isRunning = true
    while (waiting.length > 0) {
      const entries = waiting.splice(0, fitting())
      try {
        await sendAll(entries)
        for (const { job } of entries) if (--job.missing === 0) job.resolve()
      } catch (error) {
        fail(translate(error, connection.address), entries)
      }
    }
    isRunning = false
  }

  /** Nothing that waited behind is sent before the failure was told; so it fails as well. */
  function fail(error: Error, entries: readonly Waiting[]): void {
    if (producer) discard(producer)
    producer = undefined
    for (const { job } of [...entries, ...waiting.splice(0)]) job.reject(error)
  }

  return {
    send(messages) {
      if (closing.signal.aborted) return Promise.reject(closed(connection.address))
      return new Promise((resolve, reject) => {
        const giveUpAt = performance.now() + publishTimeoutMs
        const job: Job = { missing: messages.length, giveUpAt, resolve, reject }
        for (const message of messages) waiting.push({ message, job })
        void run()
      })
    },
    close() {
      closing.abort(closed(connection.address))
      fail(closed(connection.address), [])
    },
  }
}

const RETRY_MS = 100

function openProducer(options: LaneOptions, onRetry: (error: unknown) => void): Producer {
  const { connection, compression, publishTimeoutMs } = options
  const { kafka } = connection
  // Two attempts, at least, before the caller's patience is over.
  const limitMs = Math.min(15_000, Math.ceil(publishTimeoutMs / 2))
  return calm(
    new kafka.Producer({
      ...connection.options,
      idempotent: true,
      acks: kafka.ProduceAcks.ALL,
      compression,
      timeout: limitMs,
      requestTimeout: limitMs,
      // As long as the caller waits: only the same producer repeats without duplicates.
      retries: true,
      retryDelay: (_client, _operation, _attempt, _retries, error) => {
        onRetry(error)
        return RETRY_MS + Math.random() * RETRY_MS
      },
    }),
  )
}
