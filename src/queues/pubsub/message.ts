import { createHash } from 'node:crypto'
import type { protos } from '@google-cloud/pubsub'
import { formatBytes } from '../../lib/units.ts'
import type { Message } from '../queue.ts'

export type PubsubMessage = protos.google.pubsub.v1.IPubsubMessage

/** What the service takes at most. */
const LIMITS = { key: 1_024, headers: 98, name: 256, value: 1_024 } as const
/** What frames a message, and each of its headers, in a request. */
const FRAME = 64
/** Attributes that begin like this are ours, and no headers. */
const OWN = 'headwater_'
/** Names that the service keeps for itself, that are ours, and one that its client drops. */
const FORBIDDEN = /^(?:$|goog|headwater_|__proto__$)/
/** Only the subscription of this group takes the message. */
const GROUP = `${OWN}group`
/** The service refuses a message without a body that has no attribute either. */
const EMPTY = `${OWN}empty`

/** Why the service would never take a message; with others in one request it would refuse them all. */
export function unfitness({ key, body, headers = {} }: Message, maxMessageBytes: number): string | undefined {
  if (body.length > maxMessageBytes)
    return `The message has ${formatBytes(body.length)}, and this queue takes at most ${formatBytes(maxMessageBytes)}.`
  if (bytesOf(key) > LIMITS.key) return `The key of the message is longer than ${formatBytes(LIMITS.key)}.`
  const entries = Object.entries(headers)
  if (entries.length > LIMITS.headers) return `The message has more than ${LIMITS.headers} headers.`
  for (const [name, value] of entries) {
    if (FORBIDDEN.test(name) || bytesOf(name) > LIMITS.name)
      return `Pub/Sub takes no header with the name ${JSON.stringify(name.slice(0, 64))}.`
    if (bytesOf(value) > LIMITS.value)
      return `The header ${name} of the message is longer than ${formatBytes(LIMITS.value)}.`
  }
  const isText = [key, ...entries.flat()].every((text) => text.isWellFormed())
  return isText ? undefined : 'The key or a header of the message is no well-formed text.'
}

/** For all groups, or for one alone. */
export function encode({ key, body, headers }: Message, group?: string): PubsubMessage {
  return {
    data: body,
    orderingKey: key,
    attributes: {
      ...headers,
      ...(group !== undefined && { [GROUP]: labelOf(group) }),
      ...(body.length === 0 && { [EMPTY]: '1' }),
    },
  }
}

export function decode({ data, orderingKey, attributes }: PubsubMessage): Message {
  const headers = Object.entries(attributes ?? {}).filter(([name]) => !name.startsWith(OWN))
  return {
    key: orderingKey ?? '',
    body: typeof data === 'string' ? Buffer.from(data, 'base64') : bufferOf(data),
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
  }
}

/** Takes what all see, and what is published to this group alone. */
export const filterOf = (group?: string): string =>
  group === undefined
    ? `NOT attributes:${GROUP}`
    : `(NOT attributes:${GROUP}) OR attributes.${GROUP} = "${labelOf(group)}"`

/** How much of a request a message takes. */
export function sizeOf({ data, orderingKey, attributes }: PubsubMessage): number {
  const ofAttributes = Object.entries(attributes ?? {}).map(
    ([name, value]) => bytesOf(name) + bytesOf(value) + FRAME,
  )
  return (
    (data?.length ?? 0) +
    bytesOf(orderingKey ?? '') +
    FRAME +
    ofAttributes.reduce((sum, size) => sum + size, 0)
  )
}

/** A group in few characters: a filter takes 256. */
const labelOf = (group: string): string => createHash('sha256').update(group).digest('hex').slice(0, 32)

const bytesOf = (text: string): number => Buffer.byteLength(text)

const bufferOf = (data: Uint8Array | null | undefined): Buffer =>
  data ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.alloc(0)
