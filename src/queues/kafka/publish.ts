import type { Cancellable, Rejection } from '../../batch.ts'
import { formatBytes } from '../../lib/units.ts'
import { abortable } from '../../lib/waiting.ts'
import type { Message } from '../queue.ts'
import { createLane, type LaneOptions, type Outgoing } from './lane.ts'
import { partitionOf } from './partition.ts'

export interface Publisher {
  publish(messages: readonly Message[], options?: Cancellable): Promise<readonly Rejection[]>
  close(): void
}

export interface PublisherOptions extends LaneOptions {
  readonly partitions: number
  /** How many producers share the partitions; each has one send under way. */
  readonly producers: number
  readonly maxMessageBytes: number
}

/** Each partition has its lane, so that what one of them does never overtakes what another does for the same key. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { partitions, producers, maxMessageBytes, batchBytes } = options
  const lanes = Array.from({ length: Math.min(producers, partitions) }, () => createLane(options))

  function rejectionOf({ body }: Message, bytes: number, index: number): Rejection | undefined {
    const tooLarge = (message: string): Rejection => ({ index, code: 'message_too_large', message })
    if (body.length > maxMessageBytes)
      return tooLarge(
        `The message has ${formatBytes(body.length)}, and this queue takes at most ${formatBytes(maxMessageBytes)}.`,
      )
    if (bytes > batchBytes)
      return tooLarge(
        `The message has ${formatBytes(bytes)} with its key and headers, and the topic takes at most ${formatBytes(batchBytes)}.`,
      )
    return undefined
  }

  return {
    async publish(messages, { signal } = {}) {
      signal?.throwIfAborted()
      const rejections: Rejection[] = []
      const shares = lanes.map((): Outgoing[] => [])
      for (const [index, message] of messages.entries()) {
        const outgoing = encode(message, partitions)
        const rejection = rejectionOf(message, outgoing.bytes, index)
        if (rejection) rejections.push(rejection)
        else shares[outgoing.partition % lanes.length]?.push(outgoing)
      }
      const sending = lanes.map(async (lane, n) => {
        const share = shares[n] ?? []
        if (share.length > 0) await lane.send(share)
      })
      await abortable(Promise.all(sending), signal)
      return rejections
    },
    close() {
      for (const lane of lanes) lane.close()
    },
  }
}

const RECORD_BYTES = 32
const FIELD_BYTES = 5

function encode({ key, body, headers = {} }: Message, partitions: number): Outgoing {
  const keyBytes = Buffer.from(key)
  const pairs = Object.entries(headers).map(
    ([name, value]) => [Buffer.from(name), Buffer.from(value)] as const,
  )
  const headerBytes = pairs.reduce(
    (sum, [name, value]) => sum + name.length + value.length + 2 * FIELD_BYTES,
    0,
  )
  return {
    partition: partitionOf(keyBytes, partitions),
    key: keyBytes,
    value: body,
    headers: new Map(pairs),
    bytes: RECORD_BYTES + keyBytes.length + body.length + headerBytes,
  }
}
