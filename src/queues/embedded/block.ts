import { crc32 } from 'node:zlib'
import type { Message } from '../queue.ts'

/**
 * Messages of one partition, written and read as one value: a CRC-32 of the rest, then per message the lengths of key,
 * headers and body (three 32-bit numbers, little endian), the key, the headers as JSON (no bytes: none), the body.
 */
export interface Block {
  readonly partition: number
  readonly count: number
  readonly bytes: Buffer
}

const BLOCK_BYTES = 4 * 1024 * 1024
const CRC_BYTES = 4
const LENGTHS_BYTES = 12

interface Entry {
  readonly key: Key
  readonly headers: Buffer
  readonly body: Buffer
}

interface Key {
  readonly bytes: Buffer
  readonly partition: number
}

const NOTHING = Buffer.alloc(0)

/** Packs messages into blocks of about 4 MiB, in order within each partition. */
export function encodeBlocks(messages: readonly Message[], partitions: number): Block[] {
  const blocks: Block[] = []
  const open = new Map<number, { readonly entries: Entry[]; size: number }>()
  const keys = new Map<string, Key>() // few keys come with many messages

  function keyOf(key: string): Key {
    const known = keys.get(key)
    if (known) return known
    const bytes = Buffer.from(key)
    const made = { bytes, partition: partitionOf(bytes, partitions) }
    keys.set(key, made)
    return made
  }

  for (const { key, headers, body } of messages) {
    const entry = { key: keyOf(key), headers: encodeHeaders(headers), body }
    const size = sizeOf(entry)
    const { partition } = entry.key
    const block = open.get(partition)
    if (block && block.size + size <= BLOCK_BYTES) {
      block.entries.push(entry)
      block.size += size
    } else {
      if (block) blocks.push(write(partition, block.entries, block.size))
      open.set(partition, { entries: [entry], size: CRC_BYTES + size })
    }
  }
  for (const [partition, { entries, size }] of open) blocks.push(write(partition, entries, size))
  return blocks
}

/**
 * The messages of a block, or undefined where the bytes are not what was written. Bodies are slices of `bytes`, which
 * must be the caller's own.
 */
export function decodeBlock(bytes: Buffer, count: number): Message[] | undefined {
  if (bytes.length < CRC_BYTES || bytes.readUInt32LE(0) !== crc32(bytes.subarray(CRC_BYTES))) return undefined
  const messages: Message[] = []
  let at = CRC_BYTES
  while (at + LENGTHS_BYTES <= bytes.length) {
    const key = at + LENGTHS_BYTES
    const headers = key + bytes.readUInt32LE(at)
    const body = headers + bytes.readUInt32LE(at + 4)
    at = body + bytes.readUInt32LE(at + 8)
    messages.push(toMessage(bytes, key, headers, body, at))
  }
  return at === bytes.length && messages.length === count ? messages : undefined
}

/** FNV-1a of the key's UTF-8 bytes: part of the format, so that a key stays in its partition for ever. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  let hash = 0x811c9dc5
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % partitions
}

function encodeHeaders(headers: Message['headers']): Buffer {
  return headers ? Buffer.from(JSON.stringify(headers)) : NOTHING
}

function sizeOf({ key, headers, body }: Entry): number {
  return LENGTHS_BYTES + key.bytes.length + headers.length + body.length
}

function write(partition: number, entries: readonly Entry[], size: number): Block {
  const bytes = Buffer.allocUnsafeSlow(size)
  let at = CRC_BYTES
  for (const { key, headers, body } of entries) {
    at = bytes.writeUInt32LE(key.bytes.length, at)
    at = bytes.writeUInt32LE(headers.length, at)
    at = bytes.writeUInt32LE(body.length, at)
    at += key.bytes.copy(bytes, at)
    at += headers.copy(bytes, at)
    at += body.copy(bytes, at)
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(CRC_BYTES)), 0)
  return { partition, count: entries.length, bytes }
}

function toMessage(bytes: Buffer, key: number, headers: number, body: number, end: number): Message {
  const message = { key: bytes.toString('utf8', key, headers), body: bytes.subarray(body, end) }
  return headers === body ? message : { ...message, headers: parseHeaders(bytes, headers, body) }
}

function parseHeaders(bytes: Buffer, from: number, to: number): Record<string, string> {
  return JSON.parse(bytes.toString('utf8', from, to)) as Record<string, string>
}
