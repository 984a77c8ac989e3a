import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** How many classes of keys there are: the routing keys `0` to `63`. Publishers of any language compute the same. */
export const SLOTS = 64
const LONGEST = 100

/** The routing key of a message: CRC-32 of its key in UTF-8, modulo 64, in decimal. */
export function slotOf(key: string): string {
  return String(crc32(key) % SLOTS)
}

/** What one topic and its groups are called at the broker. */
export interface Names {
  /** The fanout exchange that everything is published to. */
  readonly topic: string
  group(group: string): GroupNames
}

export interface GroupNames {
  readonly group: string
  /** The direct exchange that takes each slot to one of the queues. */
  readonly exchange: string
  readonly queues: readonly string[]
  /** A queue without messages, which each reader consumes: how many do is how many there are. */
  readonly readers: string
}

export function createNames(prefix: string, topicName: string, queues: number): Names {
  const topic = prefix + plain(topicName)
  return {
    topic,
    group(group) {
      const exchange = `${topic}.${plain(group)}`
      return {
        group,
        exchange,
        queues: Array.from({ length: queues }, (_, n) => `${exchange}.${n}`),
        readers: `${exchange}.readers`,
      }
    },
  }
}

/**
 * A name without dots, as short as the broker needs it: what is plain ASCII stays as it is. No two names become the same,
 * since `~` and `%` stand for nothing else.
 */
function plain(name: string): string {
  const escaped = encodeURIComponent(name).replace(
    /[.~!*'()]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  if (escaped.length <= LONGEST) return escaped
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32)
  return `${escaped.slice(0, LONGEST - 40)}~${digest}`
}
