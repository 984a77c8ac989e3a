import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { BSON } from 'mongodb'
import { arrivalOf, recordOf } from '../../../../src/arrival.ts'
import { HeadwaterError } from '../../../../src/errors.ts'
import type { ReviewRecord } from '../../../../src/review/record.ts'
import { decodeRow, encodeRow, encodeVerdict, type Row } from '../../../../src/stores/mongodb/row.ts'
import { accepted, rejected } from '../../../support/records.ts'

const STORED_AT = Date.UTC(2026, 0, 2)

const read = (bytes: Uint8Array): Row =>
  BSON.deserialize(bytes, { promoteBuffers: true, promoteValues: true }) as Row

/** The row as the database gives it back. */
async function stored(record: ReviewRecord): Promise<Row> {
  const row = await encodeRow(arrivalOf(record), { raw: record.received.raw }, STORED_AT)
  assert.ok(row)
  return read(BSON.serialize(row, { ignoreUndefined: true }))
}

/** Every record comes back as its event says it, its verdict in the same order. */
async function keeps(record: ReviewRecord): Promise<Row> {
  const row = await stored(record)
  const found = await decodeRow(row, record.received.raw)
  const expected = recordOf(arrivalOf(record))
  assert.deepEqual(found, { ...expected, revision: 0, storedAt: STORED_AT })
  assert.equal(JSON.stringify(found.verdict), JSON.stringify(expected.verdict))
  return row
}

const withCarried = (record: ReviewRecord, carried: unknown): ReviewRecord => ({
  ...record,
  received: { ...record.received, context: { ...record.received.context, carried: { carried } } },
})

const withMore = (more: object): ReviewRecord => {
  const record = accepted(1)
  assert.ok(record.verdict.status === 'accepted')
  return { ...record, verdict: { ...record.verdict, review: { ...record.verdict.review, ...more } } }
}

/** Names that the database, its client or JavaScript make something of. */
const NAMES = [
  '',
  '$',
  '$ref',
  '$id',
  'a.b',
  '.',
  '\0',
  '_bsontype',
  '__proto__',
  'toBSON',
  'constructor',
  '\ud800',
  '7',
  'ü',
]
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\ud800', '\0', 'ObjectId', -0, 1e300, 2 ** 31, 2 ** 53, -(2 ** 31) - 1, 5e-324),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...NAMES), tie('value')), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries)),
  ),
}))

/** What JSON makes of it: no -0. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('gives back any context and any review, in the same order', async () => {
  const both = fc.tuple(
    values.value.map(asJson),
    fc.dictionary(fc.constantFrom('title', ...NAMES), values.value.map(asJson)),
  )
  await fc.assert(
    fc.asyncProperty(both, async ([carried, more]) => {
      await keeps(withCarried(accepted(1), carried))
      await keeps(withMore(more))
    }),
    { numRuns: 100 },
  )
})

test('has fields that people can query', async () => {
  const row = await keeps(accepted(5, { product: 'P7' }))
  assert.deepEqual(
    [row.status, row.product, row.review?.rating, row.origin, row.context?.kind, row.ledger, row.revision],
    ['accepted', 'P7', 4, 'shop', 'file', { run: 'run-1', seq: 5 }, 0],
  )
  assert.deepEqual(row.reviewedAt, new Date('2026-01-01T00:00:00Z'))
  assert.deepEqual(row.receivedAt, new Date(accepted(5).received.receivedAt))
  const dead = await keeps(rejected(6, 'c'.repeat(16), { product: 'P8' }))
  assert.deepEqual(
    [dead.status, dead.code, dead.cluster, dead.product],
    ['rejected', 'missing_user_id', 'c'.repeat(16), 'P8'],
  )
  assert.equal(dead.errors?.[0]?.pointer, '/user_id')
  for (const name of ['exactVerdict', 'exactReceived'] as const) assert.ok(!(name in row) && !(name in dead))
})

test('spells what a field can not be called in another way, and keeps the exact text beside it', async () => {
  const row = await keeps(withMore({ 'a.b': { $set: 1, '\0': '\ud800' } }))
  const { 'a\uff0eb': odd } = row.review as unknown as Record<string, unknown>
  assert.deepEqual(odd, { '\uff04set': 1, '\u2400': '\ufffd' })
  assert.equal(typeof row.exactVerdict, 'string')
})

test('keeps what is nested deeper than a document may be', async () => {
  let deep: unknown = 'the end'
  for (let level = 0; level < 500; level++) deep = level % 2 ? [deep] : { deep }
  await keeps(withMore({ deep }))
  await keeps(withCarried(accepted(1), deep))
})

test('is never longer than a document may be', async () => {
  const most = 16 * 2 ** 20
  const raw = Buffer.alloc(4 * 2 ** 20, 'r')
  for (const count of [100_000, 170_000, 1_000_000]) {
    const record = withCarried(withMore({ numbers: Array(count).fill(7) }), Array(count).fill([]))
    const row = await encodeRow(
      arrivalOf({ ...record, received: { ...record.received, raw } }),
      { raw },
      STORED_AT,
    )
    assert.ok(row)
    const bytes = BSON.serialize(row, { ignoreUndefined: true })
    assert.ok(bytes.length < most, `${bytes.length} bytes`)
    assert.deepEqual((await decodeRow(read(bytes), raw)).verdict, record.verdict)
    assert.equal(row.product, 'P1')
  }
})

test('takes no verdict that is more than a document holds, and says so', async () => {
  const noise = Array.from({ length: 100_000 }, (_, n) => hash('sha256', String(n), 'hex'))
  assert.equal(await encodeVerdict(withMore({ noise }).verdict), undefined)
  assert.equal(await encodeRow(arrivalOf(withMore({ noise })), {}, STORED_AT), undefined)
})

test('reads a row that does not say when it was written', async () => {
  const { storedAt: _, ...row } = await stored(accepted(1))
  assert.ok(!('storedAt' in (await decodeRow(row, accepted(1).received.raw))))
})

test('says which record is damaged, or of another format', async () => {
  const { raw } = accepted(1).received
  const row = await stored(accepted(1))
  const says = (code: string) => (error: unknown) =>
    error instanceof HeadwaterError && error.code === code && error.message.includes(row._id)
  await assert.rejects(decodeRow({ ...row, format: 2 }, raw), says('DATA_FORMAT'))
  await assert.rejects(decodeRow({ ...row, exactVerdict: '{' }, raw), says('DATA_CORRUPT'))
  await assert.rejects(
    decodeRow({ ...row, receivedAt: undefined } as unknown as Row, raw),
    says('DATA_CORRUPT'),
  )
})
