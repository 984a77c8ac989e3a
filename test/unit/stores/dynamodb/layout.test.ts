import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  arrivedOf,
  dayIn,
  isArrived,
  keyIn,
  partitionOf,
  sortableTime,
  timeIn,
} from '../../../../src/stores/dynamodb/placing.ts'
import { spill } from '../../../../src/stores/dynamodb/spill.ts'
import { turns } from '../../../../src/stores/dynamodb/turns.ts'
import { itemSize, native } from '../../../../src/stores/dynamodb/values.ts'

const KEY = '0123456789abcdef'.repeat(2)

test('a position says time and key, and sorts as the times do', () => {
  const time = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2200, 0, 1) })
  fc.assert(
    fc.property(time, time, (a, b) => {
      const arrived = arrivedOf(a, KEY)
      assert.ok(isArrived(arrived))
      assert.deepEqual([timeIn(arrived), keyIn(arrived)], [a, KEY])
      assert.equal(a < b, arrived < sortableTime(b))
      assert.equal(dayIn(arrived), new Date(a).toISOString().slice(0, 10))
    }),
  )
  assert.ok(sortableTime(-Infinity) < arrivedOf(0, KEY) && arrivedOf(0, KEY) < sortableTime(Infinity))
  assert.ok(sortableTime(0.5) > arrivedOf(0, KEY))
})

test('a text that is too long for a partition is known by its digest', () => {
  assert.equal(partitionOf('B00X', 3), 'B00X#3')
  const [one, other] = [partitionOf('ü'.repeat(2_000), 3), partitionOf('ü'.repeat(2_001), 3)]
  assert.ok(one !== other && Buffer.byteLength(one) < 2_048)
})

test('what fits is kept as it is, what does not is compressed, and the rest goes into parts', async () => {
  const text = Buffer.from('a review '.repeat(1_000))
  const noise = randomBytes(900_000)
  const blobs = [
    { name: 'raw', bytes: noise },
    { name: 'verdict', bytes: text, isText: true },
  ]
  const roomy = await spill(blobs, 1_000_000, 'w')
  assert.deepEqual(Object.keys(roomy.attributes), ['raw', 'verdict'])
  assert.equal(roomy.attributes['verdict']?.S, text.toString())
  const narrow = await spill(blobs, 100_000, 'w')
  assert.deepEqual(Object.keys(narrow.attributes), ['raw_parts', 'verdict'])
  assert.deepEqual(
    narrow.parts.map(({ name }) => name),
    ['w/raw/00000', 'w/raw/00001', 'w/raw/00002'],
  )
  assert.ok(Buffer.concat(narrow.parts.map(({ bytes }) => bytes)).equals(noise))
  const least = await spill(blobs, 2_000, 'w')
  assert.deepEqual(Object.keys(least.attributes), ['raw_parts', 'verdict_zstd'])
  assert.ok(itemSize(least.attributes) <= 2_000)
})

test('numbers that DynamoDB can not carry are text, and so is what is too deep', () => {
  assert.deepEqual(native([0, -0, 1e-130, 9.8e125, 0.1]), {
    L: ['0', '0', '1e-130', '9.8e+125', '0.1'].map((N) => ({ N })),
  })
  assert.deepEqual(native([1e126, 5e-324]), { L: [{ S: '1e+126' }, { S: '5e-324' }] })
  assert.deepEqual(native({ '': 1 }), { S: '{"":1}' })
})

test('no more work is under way than was said', async () => {
  let running = 0
  let most = 0
  const inTurn = turns(3)
  const work = () =>
    inTurn(async () => {
      most = Math.max(most, ++running)
      await sleep(1)
      running--
    })
  await Promise.all(Array.from({ length: 20 }, work))
  assert.deepEqual([most, running], [3, 0])
})
