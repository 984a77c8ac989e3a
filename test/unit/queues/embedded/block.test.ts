import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBlock, encodeBlocks, partitionOf } from '../../../../src/queues/embedded/block.ts'
import type { Message } from '../../../../src/queues/queue.ts'

const MIB = 1024 * 1024

const message: fc.Arbitrary<Message> = fc.record(
  {
    key: fc.string({ unit: 'binary' }),
    body: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    headers: fc.dictionary(fc.string(), fc.string({ unit: 'binary' }), { noNullPrototype: true }),
  },
  { requiredKeys: ['key', 'body'], noNullPrototype: true },
)

test('gives back every message as it was, in the order of its partition', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
      const blocks = encodeBlocks(messages, 4)
      assert.equal(new Set(blocks.map(({ partition }) => partition)).size, blocks.length)
      for (const { partition, bytes, count } of blocks) {
        const expected = messages.filter(({ key }) => partitionOf(Buffer.from(key), 4) === partition)
        assert.deepEqual(decodeBlock(bytes, count), expected)
      }
      assert.equal(sum(blocks.map(({ count }) => count)), messages.length)
    }),
  )
})

test('sees every changed bit, every cut and every wrong count', () => {
  const [block] = encodeBlocks([{ key: 'k', body: Buffer.from('body'), headers: { a: '1' } }], 4)
  assert.ok(block)
  for (let bit = 0; bit < block.bytes.length * 8; bit++) {
    const altered: Buffer = Buffer.from(block.bytes)
    altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    assert.equal(decodeBlock(altered, 1), undefined)
  }
  for (let length = 0; length < block.bytes.length; length++) {
    assert.equal(decodeBlock(block.bytes.subarray(0, length), 1), undefined)
  }
  assert.equal(decodeBlock(block.bytes, 2), undefined)
})

test('begins a new block after about 4 MiB, and gives a larger message one of its own', () => {
  const body = (mebibytes: number) => ({ key: 'k', body: Buffer.alloc(mebibytes * MIB) })
  const blocks = encodeBlocks([body(1), body(1), body(1), body(6), body(1)], 4)
  assert.deepEqual(
    blocks.map(({ count }) => count),
    [3, 1, 1],
  )
})

test('spreads keys by FNV-1a, as folders that exist do', () => {
  const hashes = new Map([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])
  for (const [key, hash] of hashes) assert.equal(partitionOf(Buffer.from(key), 2 ** 32), hash)
})

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)
