import type { RecordsBatch } from '@platformatic/kafka'
import { createWatermark } from '../../lib/watermark.ts'
import type { Message } from '../queue.ts'
import type { Room } from '../room.ts'

/** A partition for as long as a reader has it without interruption. */
export interface Tenure {
  readonly partition: number
  /** What to ask the brokers for next. */
  readonly position: number
  /** What waits here to be handed over. */
  readonly bytes: number
  /** All before this offset is acknowledged. */
  readonly acknowledged: number
  /** All before this offset is acknowledged, and the brokers have noted it. */
  committed: number
  /** Somebody else has the partition: what is acknowledged here from now on counts for nothing. */
  isOver: boolean
  /** Takes in what the brokers gave for `position`. */
  add(batches: readonly RecordsBatch[]): void
  /** There is nothing before this offset any more. */
  skipTo(offset: number): void
  take(room: Room): Taken | undefined
  settle(from: number, to: number): void
}

/** Messages that follow each other in one partition. */
export interface Taken {
  readonly tenure: Tenure
  readonly messages: readonly Message[]
  readonly bytes: number
  readonly from: number
  readonly to: number
}

type KafkaRecord = RecordsBatch['records'][number]

interface Waiting {
  readonly record: KafkaRecord
  /** The offsets that are settled with it: its own, and those before it that hold no message. */
  readonly from: number
  readonly to: number
  readonly bytes: number
}

const CONTROL = 1 << 5
/** What a record takes beside its bytes, about. */
const RECORD_BYTES = 200

export function createTenure(partition: number, start: number): Tenure {
  const watermark = createWatermark(start)
  const waiting: Waiting[] = []
  let position = start
  let bytes = 0

  function add(batches: readonly RecordsBatch[]): void {
    let from = position
    for (const batch of batches) {
      const first = Number(batch.firstOffset)
      const next = first + batch.lastOffsetDelta + 1
      // Marks of transactions are no messages.
      const records = (batch.attributes & CONTROL) === 0 ? batch.records : []
      for (const record of records) {
        const offset = first + record.offsetDelta
        // A batch is given as a whole, with what was asked for somewhere in it.
        if (offset < from) continue
        const size = RECORD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0)
        waiting.push({ record, from, to: offset + 1, bytes: size })
        bytes += size
        from = offset + 1
      }
      position = Math.max(position, next)
    }
    // What follows the last message holds none: nobody will acknowledge it.
    watermark.settle(from, position)
  }

  function skipTo(offset: number): void {
    watermark.settle(position, offset)
    position = offset
  }

  function take(room: Room): Taken | undefined {
    let size = 0
    const over = waiting.findIndex((each, n) => {
      size += each.bytes
      return n >= room.items || (n > 0 && size > room.bytes)
    })
    const taken = waiting.splice(0, over === -1 ? waiting.length : over)
    const [first, last] = [taken[0], taken.at(-1)]
    if (!first || !last) return undefined
    const takenBytes = taken.reduce((sum, each) => sum + each.bytes, 0)
    bytes -= takenBytes
    return {
      tenure,
      messages: taken.map(({ record }) => messageOf(record)),
      bytes: takenBytes,
      from: first.from,
      to: last.to,
    }
  }

  const tenure: Tenure = {
    partition,
    get position() {
      return position
    },
    get bytes() {
      return bytes
    },
    get acknowledged() {
      return watermark.value
    },
    committed: start,
    isOver: false,
    add,
    skipTo,
    take,
    settle: (from, to) => watermark.settle(from, to),
  }
  return tenure
}

/** What other programs may have published without a key or a value has empty ones. */
function messageOf({ key, value, headers }: KafkaRecord): Message {
  const pairs = [...headers].map(([name, text]) => [String(name), String(text ?? '')] as const)
  return {
    key: String(key ?? ''),
    body: value ?? Buffer.alloc(0),
    ...(pairs.length > 0 && { headers: Object.fromEntries(pairs) }),
  }
}
