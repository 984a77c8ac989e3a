import type { ConsumeMessage, Options } from 'amqplib'
import type { Refusal } from '../../batch.ts'
import { formatBytes } from '../../lib/units.ts'
import type { Message } from '../queue.ts'
import { slotOf } from './names.ts'

/** A routing key has at most 255 bytes, so that the key travels in a header. */
const KEY = 'headwater-key'
/** In front of a header whose own name the broker or this adapter would take for theirs. */
const CARRIED = 'headwater-header-'
const RESERVED = /^(?:CC|BCC|x-.*|headwater-.*)$/s

const MAX_NAME_BYTES = 255
/** The client encodes all properties into one buffer of 64 KiB, and what frames each entry counts. */
const MAX_HEADER_BYTES = 60 * 1024
const ENTRY_BYTES = 6

/** A message as the broker takes it. */
export interface Outgoing {
  readonly routingKey: string
  readonly body: Buffer
  readonly options: Options.Publish
}

export function toOutgoing({ key, body, headers = {} }: Message): Outgoing {
  const carried = Object.entries(headers).map(
    ([name, value]) => [RESERVED.test(name) ? CARRIED + name : name, value] as const,
  )
  return {
    routingKey: slotOf(key),
    body,
    options: {
      headers: { ...Object.fromEntries(carried), [KEY]: key },
      persistent: true,
      mandatory: true,
    },
  }
}

/** Headers that are no text are the broker's own, such as `x-delivery-count`, or those of another program. */
export function fromDelivery({ properties, content: body, fields }: ConsumeMessage): Message {
  const all: Record<string, unknown> = properties.headers ?? {}
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(all)) {
    if (typeof value !== 'string') continue
    if (name.startsWith(CARRIED)) headers[name.slice(CARRIED.length)] = value
    else if (!RESERVED.test(name)) headers[name] = value
  }
  // Who publishes without our header is another program: its routing key is the best that there is.
  const key = typeof all[KEY] === 'string' ? all[KEY] : fields.routingKey
  return Object.keys(headers).length > 0 ? { key, body, headers } : { key, body }
}

/** Why a message can never be taken, if so. */
export function refusalOf({ body, options }: Outgoing, maxBytes: number): Refusal | undefined {
  if (body.length > maxBytes) return tooLarge('The message has', body.length, maxBytes)
  let headerBytes = 0
  for (const [name, value] of Object.entries<string>(options.headers ?? {})) {
    const nameBytes = Buffer.byteLength(name)
    if (nameBytes > MAX_NAME_BYTES) return tooLarge("A header's name has", nameBytes, MAX_NAME_BYTES)
    headerBytes += nameBytes + Buffer.byteLength(value) + ENTRY_BYTES
  }
  return headerBytes > MAX_HEADER_BYTES
    ? tooLarge('Key and headers have', headerBytes, MAX_HEADER_BYTES)
    : undefined
}

function tooLarge(what: string, bytes: number, most: number): Refusal {
  const message = `${what} ${formatBytes(bytes)}, and this queue takes at most ${formatBytes(most)}.`
  return { code: 'message_too_large', message }
}
