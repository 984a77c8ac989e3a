import { createHash, randomUUID } from 'node:crypto'
import type { StreamDescriptionSummary } from '@aws-sdk/client-kinesis'
import type { Logger } from '../../adapter.ts'
import type { Rejection } from '../../batch.ts'
import { TransientError } from '../../errors.ts'
import { createBell } from '../../lib/bell.ts'
import { formatBytes } from '../../lib/units.ts'
import type { Registry } from '../../stores/registry.ts'
import { checkName } from '../name.ts'
import type { Message, Queue, QueueAdapter } from '../queue.ts'
import { type Book, createBook } from './book.ts'
import { type Kinesis, type Outgoing, openClient } from './client.ts'
import { type Config, config, KEY_BYTES, streamOf } from './config.ts'
import { createCursor, type Cursor } from './cursor.ts'
import { addGroup, removeGroup } from './groups.ts'
import { behindMs, caughtUp } from './lag.ts'
import { createMember, type Member } from './member.ts'
import { createOnlooker } from './onlooker.ts'
import { createOutage } from './outage.ts'
import { createOutbox } from './outbox.ts'
import { outlastRefusals } from './outlast.ts'
import { type Position, TRIM_HORIZON } from './position.ts'
import { provisionStream } from './provision.ts'
import { readBatches } from './reader.ts'

/** Who opens or asks how it is wants to know soon. */
const SOON_MS = 5_000
/** What a registry that does not answer may hold up. */
const CLOSE_MS = 3_000
const MAX_KEY = 256

/** A stream of Amazon Kinesis. Its groups are kept in the registry. */
const kinesis: QueueAdapter<Config> = {
  config,
  async open(settings, { topic, logger, signal, openRegistry }) {
    const stream = await openClient(settings, streamOf(settings, topic))
    let registry: Registry | undefined
    try {
      const limits = { signal, limitMs: SOON_MS }
      const summary = await stream.describe(limits)
      checkStatus(summary, stream)
      registry = await openRegistry()
      const book = createBook(registry, stream.place.stream, identityOf(summary))
      await book.ensure('storage', { signal })
      const maxMessageBytes = largest(settings, summary, stream, logger) - KEY_BYTES
      return createQueue({ stream, registry, book, settings, maxMessageBytes, logger })
    } catch (error) {
      stream.close()
      await registry?.[Symbol.asyncDispose]()
      throw error
    }
  },
  async provision(settings, { topic, logger, signal }) {
    const stream = await openClient(settings, streamOf(settings, topic))
    try {
      await provisionStream(stream, settings, { logger, signal })
    } finally {
      stream.close()
    }
  },
}

export default kinesis

function checkStatus({ StreamStatus: status }: StreamDescriptionSummary, { place }: Kinesis): void {
  if (status === 'ACTIVE' || status === 'UPDATING') return
  throw new TransientError('QUEUE_UNAVAILABLE', `the stream ${place.stream} at ${place.address} is ${status}`)
}

/** A stream that was made anew under the same name is another. */
function identityOf({ StreamARN, StreamCreationTimestamp }: StreamDescriptionSummary): string {
  return `${StreamARN}@${StreamCreationTimestamp?.getTime()}`
}

/** What the stream takes is asked of it, since one record that is too large fails all that go with it. */
function largest(
  { maxMessageBytes }: Config,
  { MaxRecordSizeInKiB }: StreamDescriptionSummary,
  { place }: Kinesis,
  logger: Logger,
): number {
  const takes = MaxRecordSizeInKiB === undefined ? maxMessageBytes : MaxRecordSizeInKiB * 1_024
  if (takes >= maxMessageBytes) return maxMessageBytes
  const text = `the stream ${place.stream} takes records of ${formatBytes(takes)}, less than queue.max_message_bytes, ${formatBytes(maxMessageBytes)}`
  logger.warn({ stream: place.stream }, `${text}: the smaller one counts`)
  return takes
}

interface Parts {
  readonly stream: Kinesis
  readonly registry: Registry
  readonly book: Book
  readonly settings: Config
  readonly maxMessageBytes: number
  readonly logger: Logger
}

function createQueue({ stream, registry, book, settings, maxMessageBytes, logger }: Parts): Queue {
  const { maxRequestBytes, publishTimeoutMs, leaseMs, pollIntervalMs: pollMs } = settings
  const bell = createBell()
  const closing = new AbortController()
  const outbox = createOutbox({ kinesis: stream, maxRequestBytes, timeoutMs: publishTimeoutMs })
  const outage = createOutage(logger, `reading the stream ${stream.place.stream}`)
  const reading = outlastRefusals(stream)
  const lag = { kinesis: reading, book, pollMs }
  const members = new Map<string, Member>()
  let closed: Promise<void> | undefined

  function open(shard: string, position: Position, fail: (error: unknown) => void): Cursor {
    return createCursor({ kinesis: reading, shard, position, pollMs, bell, outage, fail })
  }

  /** A group's place in the stream: one for all that read it through this queue. */
  function memberOf(group: string): Member {
    const id = randomUUID()
    const known = members.get(group)
    const member =
      known ?? createMember({ kinesis: reading, book, group, id, leaseMs, open, bell, outage, logger })
    members.set(group, member)
    return member
  }

  async function close(): Promise<void> {
    closing.abort()
    outbox.close()
    stream.close()
    const left = Promise.all([...members.values()].map((member) => member.close()))
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, CLOSE_MS)
    await Promise.race([left, late.promise])
    clearTimeout(timer)
    await registry[Symbol.asyncDispose]()
  }

  return {
    maxMessageBytes,
    async publish(messages, options = {}) {
      const fits = ({ body }: Message): boolean => body.length <= maxMessageBytes
      await outbox.send(messages.filter(fits).map(toRecord), options)
      return messages.flatMap((message, index) => (fits(message) ? [] : [tooLarge(message, index)]))
    },
    read({ group, ...options }) {
      const ends = { bell, closing: closing.signal }
      if (group === undefined) {
        const alone = createOnlooker({
          kinesis: reading,
          open: (shard, fail) => open(shard, TRIM_HORIZON, fail),
          bell,
        })
        return readBatches({ ...ends, holding: alone }, options)
      }
      checkName('group', group)
      return readBatches({ ...ends, holding: memberOf(group) }, options)
    },
    async check({ signal } = {}) {
      await stream.describe({ signal, limitMs: SOON_MS })
    },
    async oldestAgeMs(group, { signal } = {}) {
      return behindMs(lag, group, { signal, limitMs: SOON_MS })
    },
    async caughtUp(group, { signal }) {
      await caughtUp({ ...lag, outbox }, group, AbortSignal.any([signal, closing.signal]))
    },
    async groups(options = {}) {
      const names = await book.groups(options)
      const limits = { ...options, limitMs: SOON_MS }
      const state = async (group: string) => ({
        group,
        behindMs: await behindMs(lag, group, limits),
        holds: false,
      })
      return Promise.all(names.map(state))
    },
    async addGroup(group, options) {
      checkName('group', group)
      await addGroup(book, group, options)
    },
    removeGroup: (group, options = {}) => removeGroup(book, group, leaseMs, options),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }

  function tooLarge({ body }: Message, index: number): Rejection {
    const message = `The message has ${formatBytes(body.length)}, and this queue takes at most ${formatBytes(maxMessageBytes)}.`
    return { index, code: 'message_too_large', message }
  }
}

/** The body as it is, for whoever else reads the stream. What can be no partition key is replaced by its digest. */
function toRecord({ key, body }: Message): Outgoing {
  const fits = key.length > 0 && key.length <= MAX_KEY && key.isWellFormed()
  const PartitionKey = fits ? key : createHash('sha256').update(key).digest('hex')
  return { PartitionKey, Data: body }
}
