import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { compatibilityPartitioner } from '@platformatic/kafka'
import { partitionOf } from '../../../../src/queues/kafka/partition.ts'

/** What `Utils.toPositive(Utils.murmur2(key)) % 12` of Kafka 4.3.1 says. */
const JAVA: readonly (readonly [key: string, partition: number])[] = [
  ['', 9],
  ['a', 4],
  ['B00813GRG4', 11],
  ['ключ', 8],
  ['鍵', 0],
  ['k', 8],
  ['key-17', 0],
  ['🔑', 11],
  ['0000013714', 11],
  ['abcdefg', 1],
]

test('chooses the partitions that Java clients choose', () => {
  for (const [key, partition] of JAVA) assert.equal(partitionOf(Buffer.from(key), 12), partition, key)
})

test('chooses as the client does, for keys of every length', () => {
  for (let length = 0; length < 200; length++) {
    const key = randomBytes(length)
    const expected = compatibilityPartitioner({ topic: 't', value: key }, key)
    for (const count of [1, 7, 12])
      assert.equal(partitionOf(key, count), expected % count, key.toString('hex'))
  }
})
