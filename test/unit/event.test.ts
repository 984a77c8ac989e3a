import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CloudEvent } from 'cloudevents'
import fc from 'fast-check'
import { arrivalOf, readArrival, recordOf } from '../../src/arrival.ts'
import { decodeEvent, decodeHead, encodeEvent, encodeHead, receivedAtOf } from '../../src/event.ts'
import { loadPreset } from '../../src/presets/index.ts'
import { compileRules } from '../../src/presets/rules.ts'
import { judge } from '../../src/review/interpret.ts'

const canonical = compileRules(await loadPreset('canonical'))
const ledger = { run: 'r1', seq: 7 }
const record = (raw: Buffer) =>
  judge(
    { origin: 'shop', receivedAt: 1_700_000_000_000, raw, context: { source: 'shop', kind: 'test' } },
    canonical,
  )
const GOOD =
  '{ "review_id":"R1","product_id":"B1","user_id":"U1","review_text":"fine","rating":5,"review_timestamp":"2023-10-26T10:00:00Z", "x": 1.0 }'

describe('an event', () => {
  test('gives back the record and the bytes that were received, whatever they are', () => {
    const hostile = [
      '{"a":1e400}',
      '{"a":"\\ud800"}',
      ' {"a":1}\r\n',
      '{"a":1,"a":2}',
      '\uFEFF{}',
      '{"__proto__":1}',
      '[]',
      '',
      '{"rawlength":7}',
    ]
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc.constantFrom(...hostile, '['.repeat(200) + ']'.repeat(200), GOOD).map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(bytes, (raw) => {
        const original = record(raw)
        const body = encodeEvent(original, ledger)
        JSON.parse(body.toString())
        const { rawHash: _, encoding: __, ...decoded } = decodeEvent(body)
        const { head } = readArrival(body)
        const { encoding: ___, ...expected } = original
        assert.deepEqual(decoded, { ...expected, ledger })
        // The head alone says all of it but raw.
        const { rawHash: ____, ...again } = decodeHead(head, raw)
        assert.deepEqual(again, decoded)
        assert.deepEqual(recordOf(readArrival(body)), decodeHead(head, raw))
        assert.equal(receivedAtOf(head), original.received.receivedAt)
      }),
      { numRuns: 2_000 },
    )
  })

  test('says the same to a store whether its review is read or not, whatever stands in it', () => {
    const trap = fc.constantFrom(
      ',"verdict":{"',
      ',"data":{"review":{',
      '"recordkey":"x"',
      '"}}',
      '\\',
      '\u2028',
    )
    const text = fc.array(fc.oneof(trap, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 4 })
    const trapped = text.map((parts) => parts.join(''))
    const value = fc.oneof(
      trapped,
      fc.array(fc.constant({ verdict: { context: 1 }, data: { review: {} } }), { maxLength: 2 }),
      fc.constant({ verdict: { preset: 'x' }, recordkey: 'y' }),
    )
    const members = fc.record(
      {
        product_id: trapped,
        title: trapped,
        review_text: trapped,
        images: fc.array(value, { maxLength: 2 }),
        verdict: value,
        more: value,
        rating: fc.constantFrom(3, 9),
      },
      { requiredKeys: [] },
    )
    let unread = 0
    fc.assert(
      fc.property(members, trapped, (more, origin) => {
        const raw = Buffer.from(JSON.stringify({ ...JSON.parse(GOOD), x: undefined, ...more }))
        const context = { source: origin, kind: 'test', verdict: origin }
        const received = { origin, receivedAt: 1_700_000_000_000, raw, context }
        const body = encodeEvent(judge(received, canonical), ledger)
        const { head, ...arrival } = readArrival(body)
        const { head: __, ...expected } = arrivalOf(decodeEvent(body))
        assert.deepEqual(arrival, expected)
        assert.ok(body.subarray(0, head.length).equals(head))
        assert.deepEqual(recordOf({ head, ...arrival }), decodeHead(head, raw))
        if (arrival.status === 'accepted') unread++
      }),
      { numRuns: 2_000 },
    )
    assert.ok(unread > 200, `${unread} of 2,000 were accepted`)
  })

  test('is a CloudEvent whose review and raw a consumer reads with nothing but JSON.parse', () => {
    const body = encodeEvent(record(Buffer.from(GOOD)), ledger)
    const event = JSON.parse(body.toString())
    assert.equal(event.data.review.rating, 5)
    assert.equal(event.data.raw.x, 1)
    assert.equal(event.partitionkey, 'B1')
    assert.equal(body.subarray(body.length - 2 - event.rawlength, body.length - 2).toString(), GOOD)
    assert.ok(new CloudEvent(event).validate())
  })

  test('of a dead letter says the reason in a sentence and carries the original as data', () => {
    const raw = GOOD.replace('"rating":5', '"rating":6')
    const event = JSON.parse(encodeEvent(record(Buffer.from(raw)), ledger).toString())
    assert.equal(event.type, 'review.rejected.v1')
    assert.equal(event.data.error, 'rating must be at most 5, found 6')
    assert.equal(event.data.code, 'invalid_rating')
    assert.deepEqual(event.data.data, JSON.parse(raw))
    assert.equal(event.subject, 'B1', 'the product is known')
  })

  test('carries as text what some parser would choke on, and as base64 what is no UTF-8', () => {
    const deep = '['.repeat(100) + ']'.repeat(100)
    const encodingOf = (raw: string | Buffer) =>
      JSON.parse(encodeEvent(record(Buffer.from(raw)), ledger).toString()).rawencoding
    for (const raw of [
      `{"a":${deep},"a":1}`,
      '{"a":1e400,"a":1}',
      '{"a":"\\ud800","a":1}',
      `{"a":${'9'.repeat(400)}}`,
    ]) {
      assert.equal(encodingOf(raw), 'text', raw.slice(0, 30))
    }
    for (const raw of ['{"a":"\\ud83d\\ude00"}', '{"a":1e5,"b":"1e400"}', '{"e":true}'])
      assert.equal(encodingOf(raw), 'json', raw)
    assert.equal(encodingOf(Buffer.from([0xff])), 'base64')
  })

  test('of a body of control characters took six times its size: it carries base64', () => {
    const raw = Buffer.alloc(3_000_000, 1)
    const body = encodeEvent(record(raw), ledger)
    assert.ok(body.length < 1.4 * raw.length, `${body.length} bytes`)
    assert.equal(JSON.parse(body.toString()).rawencoding, 'base64')
    assert.deepEqual(decodeEvent(body).received.raw, raw)
    const text = Buffer.from('not JSON:\r\n\tbut a "text" with\u0007 a bell')
    assert.equal(JSON.parse(encodeEvent(record(text), ledger).toString()).rawencoding, 'text')
  })

  test('has the same head whether it is made or not', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc
        .string({
          unit: fc.constantFrom('"', '\\', '\n', '\u000b', '\u001f', '\u007f', 'é', '\u2028', '😀', 'x'),
        })
        .map((text) => Buffer.from(text)),
      fc
        .constantFrom(GOOD, `{"a":${'['.repeat(100)}${']'.repeat(100)},"b":"\u0001"}`)
        .map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(bytes, (raw) => {
        const original = { ...record(raw), ledger }
        const body = encodeEvent(original, ledger)
        const { rawlength } = JSON.parse(body.toString()) as { rawlength: number }
        const made = body.subarray(0, body.length - 2 - rawlength)
        assert.equal(encodeHead(original).toString(), made.toString())
      }),
      { numRuns: 2_000 },
    )
  })

  test('that was altered is refused', () => {
    const body = encodeEvent(record(Buffer.from(GOOD)), ledger)
    body[body.length - 5] = 0x31
    assert.throws(() => decodeEvent(body), { code: 'EVENT_UNREADABLE' })
    assert.throws(() => decodeEvent(Buffer.from('{"hello":1}')), { code: 'EVENT_UNREADABLE' })
  })
})
