import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arrivalOf, readArrival, recordOf } from '../../../src/arrival.ts'
import { encodeEvent } from '../../../src/event.ts'
import { loadPreset } from '../../../src/presets/index.ts'
import { compileRules } from '../../../src/presets/rules.ts'
import { judge } from '../../../src/review/interpret.ts'
import type { Arrival } from '../../../src/review/record.ts'
import { dated, decodeBlock, encodeBlock, encodeBlocks } from '../../../src/stores/embedded/block.ts'
import { decodeRow, encodeRows, ERASED, isErased, splitRows } from '../../../src/stores/embedded/row.ts'
import { accepted, numbered, START } from '../../support/records.ts'

const canonical = compileRules(await loadPreset('canonical'))
const REVIEW = {
  review_id: 'R1',
  product_id: 'B1',
  user_id: 'U1',
  review_text: 'fits',
  rating: 5,
  review_timestamp: '2023-10-26T10:00:00Z',
}

const encodeRow = (arrival: Arrival, storedAt = START): Buffer =>
  encodeRows([arrival], storedAt)[0]?.bytes ?? Buffer.alloc(0)
const rows = (count: number) => numbered(count).map((record) => dated(encodeRow(arrivalOf(record))))

test('a row holds the very bytes of raw', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const raw = Buffer.from(bytes)
      assert.ok(decodeRow(encodeRow(arrivalOf(accepted(1, { raw })))).received.raw.equals(raw))
    }),
  )
})

test('a row whose raw is its review as well holds it once, and gives back the head byte for byte', () => {
  const member = fc.record({
    title: fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.toWellFormed()),
    review_text: fc.constantFrom('"data":{"review":', 'fits', 'é', '{"raw":1}'),
  })
  let taken = 0
  fc.assert(
    fc.property(member, fc.nat(2), (more, indent) => {
      const raw = Buffer.from(JSON.stringify({ ...REVIEW, ...more }, undefined, indent))
      const context = { source: 'shop', kind: 'test' }
      const record = judge({ origin: 'shop', receivedAt: START, raw, context }, canonical)
      const arrival = readArrival(encodeEvent(record, { run: 'r1', seq: 1 }))
      const row = encodeRow(arrival)
      const isOnce = row.length < arrival.head.length + raw.length
      assert.equal(isOnce, record.verbatim ?? false)
      if (isOnce) taken++
      const { revision: _, storedAt: __, ...stored } = decodeRow(row)
      assert.deepEqual(stored, recordOf(arrival))
      assert.ok(stored.received.raw.equals(raw))
    }),
    { numRuns: 500 },
  )
  assert.ok(taken > 50, `${taken} of 500`)
})

test('a row says when it was written', () => {
  const arrival = arrivalOf(accepted(1))
  for (const storedAt of [0, START, Date.now(), Date.UTC(2500, 0)])
    assert.equal(decodeRow(encodeRow(arrival, storedAt)).storedAt, storedAt)
})

test('a row of format 1 is read, and says nothing of when it was written', async () => {
  const arrival = arrivalOf(accepted(1))
  const { head, received } = arrival
  const lengths = Buffer.alloc(12)
  lengths.writeUInt32BE(head.length, 0)
  lengths.writeUInt32BE(received.raw.length, 4)
  lengths.writeUInt32BE(0xff_ff_ff_ff, 8)
  const old = Buffer.concat([lengths, head, received.raw])
  const { storedAt: _, ...expected } = decodeRow(encodeRow(arrival))
  assert.deepEqual(decodeRow(old), expected)
  assert.equal(dated(old).receivedAt, received.receivedAt)
  assert.deepEqual(splitRows(Buffer.concat([old, encodeRow(arrival), ERASED, old]))?.map(isErased), [
    false,
    false,
    true,
    false,
  ])
})

test('a block gives back its rows, and knows when they were received', async () => {
  const three = rows(3)
  const block = await encodeBlock(three)
  assert.deepEqual(
    await decodeBlock(block),
    three.map(({ bytes }) => bytes),
  )
  const { rows: count, earliest, latest } = block.header
  assert.deepEqual([count, earliest, latest], [3, START, START + 2_000])
})

test('an erased row keeps its place and has no time', async () => {
  const [first, , third] = rows(3)
  assert.ok(first && third)
  const decoded = await decodeBlock(await encodeBlock([first, dated(ERASED), third]))
  assert.deepEqual(decoded.map(isErased), [false, true, false])
})

test('a block is cut at 1,000 rows, and at 4 MiB unless one row is larger', async () => {
  const many = await encodeBlocks(rows(2_001))
  assert.deepEqual(
    many.map(({ header }) => header.rows),
    [1_000, 1_000, 1],
  )
  const sizes = [1, 3, 2, 5, 1].map((mebibytes) => Buffer.alloc(mebibytes * 1024 * 1024 - 2_000))
  const large = await encodeBlocks(sizes.map((raw, n) => dated(encodeRow(arrivalOf(accepted(n, { raw }))))))
  assert.deepEqual(
    large.map(({ header }) => header.rows),
    [2, 1, 1, 1],
  )
})

test('a block with any bit turned over is not read', async () => {
  const { header, payload } = await encodeBlock(rows(20))
  await fc.assert(
    fc.asyncProperty(fc.nat(payload.length - 1), fc.nat(7), async (at, bit) => {
      const damaged = Buffer.from(payload)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
      await assert.rejects(decodeBlock({ header, payload: damaged }))
    }),
  )
})

test('rows that do not end where their bytes end are not split', () => {
  const row = encodeRow(arrivalOf(accepted(1)))
  assert.equal(splitRows(Buffer.concat([row, row]))?.length, 2)
  assert.equal(splitRows(row.subarray(0, -1)), undefined)
  assert.equal(splitRows(Buffer.concat([row, Buffer.alloc(3)])), undefined)
})
