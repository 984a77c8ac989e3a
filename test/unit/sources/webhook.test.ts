import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { Webhook } from 'standardwebhooks'
import { HeadwaterError } from '../../../src/errors.ts'
import { createIntakeListener } from '../../../src/listeners.ts'
import webhook from '../../../src/sources/webhook/index.ts'
import { contextOf, openListener, postSlowly, type WebhookListener } from '../../support/webhook-listener.ts'

const REVIEW = '{ "review_id": "R1", "rating": 5.0 }'
const JSON_TYPE = { 'content-type': 'application/json' }
const NDJSON = { 'content-type': 'application/x-ndjson' }
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const SIGNED = { verify: { scheme: 'standard-webhooks', secrets: [SECRET] } }

/** Headers of a signed delivery. */
function signed(body: string | Buffer, id = 'msg_1'): Record<string, string> {
  const now = new Date()
  return {
    ...JSON_TYPE,
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': new Webhook(SECRET).sign(id, now, body.toString()),
  }
}

/** What the source makes of one body: its items, exactly, and the status. */
async function taken(listener: WebhookListener, body: string | Buffer, headers: Record<string, string>) {
  const answer = listener.post(body, headers)
  const raws = await listener.accept()
  return { raws, status: (await answer).status }
}

describe('a body', () => {
  const array = `[ ${REVIEW},\n  {"review_id":"R2"} ]`
  const bodies: Record<string, [string | Buffer, Record<string, string>, string[]]> = {
    'one review': [REVIEW, JSON_TYPE, [REVIEW]],
    'an array': [array, JSON_TYPE, [REVIEW, '{"review_id":"R2"}']],
    'no content type': [REVIEW, {}, [REVIEW]],
    'lines that end in CRLF': [`${REVIEW}\r\n{"a":1}\r\n`, NDJSON, [REVIEW, '{"a":1}']],
    gzip: [gzipSync(array), { ...JSON_TYPE, 'content-encoding': 'gzip' }, [REVIEW, '{"review_id":"R2"}']],
    zstd: [zstdCompressSync(REVIEW), { ...JSON_TYPE, 'content-encoding': 'zstd' }, [REVIEW]],
    br: [brotliCompressSync(REVIEW), { ...JSON_TYPE, 'content-encoding': 'br' }, [REVIEW]],
    deflate: [deflateSync(REVIEW), { ...JSON_TYPE, 'content-encoding': 'deflate' }, [REVIEW]],
  }
  for (const [title, [body, headers, raws]] of Object.entries(bodies)) {
    test(`${title}: each review is handed over byte for byte`, async () => {
      await using listener = await openListener()
      assert.deepEqual(await taken(listener, body, headers), { raws, status: 202 })
    })
  }

  test('an unreadable line is kept with its reason, and its neighbours are taken', async () => {
    await using listener = await openListener()
    const answer = listener.post('{"a":1}\n{"a":\n{"a":3}', NDJSON)
    const batch = await listener.next()
    assert.deepEqual(
      batch?.items.map(({ raw }) => raw.toString()),
      ['{"a":1}', '{"a":', '{"a":3}'],
    )
    assert.deepEqual(
      batch?.items.map(({ context }) => context.position),
      [1, 2, 3],
    )
    await batch?.ack()
    assert.equal((await answer).body['received'], 3)
  })

  test('what the preset says of a piece travels with it', async () => {
    const split = () => [
      { raw: Buffer.from('{"a":1}'), carried: { product: 'B1' } },
      { raw: Buffer.from('{}'), failure: 'no such product' },
      { raw: Buffer.from('x'), unreadable: 'not an object' },
    ]
    await using listener = await openListener({}, { split, clock: () => 7 })
    const answer = listener.post('{}', JSON_TYPE)
    const batch = await listener.next()
    const context = { source: 'partner', kind: 'webhook', from: '/hooks/partner', position: 1 }
    assert.deepEqual(batch?.items, [
      {
        origin: 'shop',
        receivedAt: 7,
        raw: Buffer.from('{"a":1}'),
        context: { ...context, carried: { product: 'B1' } },
      },
      {
        origin: 'shop',
        receivedAt: 7,
        raw: Buffer.from('{}'),
        context: { ...context, failure: 'no such product' },
      },
      {
        origin: 'shop',
        receivedAt: 7,
        raw: Buffer.from('x'),
        context: { ...context, unreadable: 'not an object' },
      },
    ])
    await batch?.ack()
    await answer
  })

  test('one without items is a 202 with zeros, and hands over nothing', async () => {
    await using listener = await openListener()
    const { status, body } = await listener.post('[]', JSON_TYPE)
    assert.equal(status, 202)
    assert.deepEqual(body, { received: 0, accepted: 0, unchanged: 0, rejected: 0, errors: [] })
    listener.stop()
    assert.equal(await listener.next(), undefined)
  })

  const refused: [string, number, string | Buffer, Record<string, string>, object?][] = [
    ['an empty one', 400, '', JSON_TYPE],
    ['an empty one of no type', 400, '', {}],
    ['white space', 400, ' \n', NDJSON],
    ['truncated gzip', 400, gzipSync(REVIEW).subarray(0, -9), { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    ['plain text that says it is gzip', 400, REVIEW, { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    ['too large', 413, REVIEW, JSON_TYPE, { maxBodyBytes: 10 }],
    [
      'too large once inflated',
      413,
      gzipSync(Buffer.alloc(2 ** 22, ' ')),
      { 'content-encoding': 'gzip' },
      { maxInflatedBytes: 1e6 },
    ],
    ['too many items', 413, '[1,2,3]', JSON_TYPE, { maxItems: 2 }],
    ['another type', 415, REVIEW, { 'content-type': 'text/plain' }],
    ['a type that is none', 415, REVIEW, { 'content-type': 'json' }],
    ['another encoding', 415, REVIEW, { ...JSON_TYPE, 'content-encoding': 'compress' }],
  ]
  for (const [title, status, body, headers, config] of refused) {
    test(`${title}: ${status} with a reason`, async () => {
      await using listener = await openListener(config)
      const answer = await listener.post(body, headers)
      assert.equal(answer.status, status)
      assert.match(String(answer.body['error']), /^\w.{10,}/)
      listener.stop()
      assert.equal(await listener.next(), undefined)
    })
  }

  test('one that says that it is too large is refused before it is sent', async () => {
    await using listener = await openListener({ maxBodyBytes: 1_000 })
    assert.equal(await postSlowly(listener.url, { ...JSON_TYPE, 'content-length': '1001' }), 413)
  })

  test('one in chunks is refused once it is too large, and the sender reads why', async () => {
    await using listener = await openListener({ maxBodyBytes: 100_000 })
    const chunks = Array.from({ length: 20 }, () => Buffer.alloc(10_000, ' '))
    assert.equal(await postSlowly(listener.url, JSON_TYPE, chunks), 413)
  })
})

describe('the answer', () => {
  test('tells what became of the items', async () => {
    await using listener = await openListener()
    const answer = listener.post('[1,2,3,4]', JSON_TYPE)
    const batch = await listener.next()
    const faults = [{ pointer: '/rating', keyword: 'maximum', message: 'must be at most 5' }]
    await batch?.ack([
      'accepted',
      { code: 'rating', message: 'too high', errors: faults },
      'unchanged',
      'accepted',
    ])
    const { status, body } = await answer
    assert.equal(status, 202)
    const errors = [{ index: 1, code: 'rating', message: 'too high', errors: faults }]
    assert.deepEqual(body, { received: 4, accepted: 2, unchanged: 1, rejected: 1, errors })
  })

  test('is 202 for a body that is rejected as a whole, and lists at most 20 reasons', async () => {
    await using listener = await openListener()
    const answer = listener.post(JSON.stringify(Array.from({ length: 30 }, (_, n) => n)), JSON_TYPE)
    const batch = await listener.next()
    await batch?.ack(batch.items.map(() => ({ code: 'unreadable', message: 'not an object' })))
    const { status, body } = await answer
    assert.deepEqual([status, body['rejected'], (body['errors'] as unknown[]).length], [202, 30, 20])
  })

  test('to a very large body comes when all of its batches are acknowledged', async () => {
    await using listener = await openListener()
    const answer = listener.post('1\n'.repeat(12_000), NDJSON)
    const batches = [await listener.next(), await listener.next(), await listener.next()]
    assert.deepEqual(
      batches.map((batch) => batch?.items.length),
      [5_000, 5_000, 2_000],
    )
    for (const batch of batches.toReversed()) {
      await batch?.ack(batch.items.map(() => 'unchanged'))
      await batch?.ack()
    }
    const { body } = await answer
    assert.deepEqual([body['received'], body['unchanged'], body['accepted']], [12_000, 12_000, 0])
  })
})

describe('verification', () => {
  test('a signed delivery is taken with its id and the name of the scheme', async () => {
    await using listener = await openListener(SIGNED)
    const answer = listener.post(REVIEW, signed(REVIEW))
    const batch = await listener.next()
    const [item] = batch?.items ?? []
    assert.deepEqual([item?.context.delivery, item?.context.verified], ['msg_1', 'standard-webhooks'])
    await batch?.ack()
    assert.equal((await answer).status, 202)
  })

  test('an altered body is a 401 that names no secret', async () => {
    await using listener = await openListener(SIGNED)
    const { status, body } = await listener.post(`${REVIEW} `, signed(REVIEW))
    assert.equal(status, 401)
    assert.ok(!JSON.stringify(body).includes(SECRET.slice(6)))
  })

  test("a delivery that isn't signed is refused before its body is sent", async () => {
    await using listener = await openListener(SIGNED)
    assert.equal(await postSlowly(listener.url, { ...JSON_TYPE, 'content-length': '1000' }), 401)
  })

  test('a signature of the inflated body is as good as one of the bytes that are sent', async () => {
    await using listener = await openListener(SIGNED)
    const sent = gzipSync(REVIEW)
    const headers = { ...signed(REVIEW), 'content-encoding': 'gzip' }
    assert.deepEqual(await taken(listener, sent, headers), { raws: [REVIEW], status: 202 })
    const { status } = await listener.post(gzipSync(`${REVIEW} `), headers)
    assert.equal(status, 401)
  })

  test('a delivery that was accepted is answered again, without its items', async () => {
    await using listener = await openListener(SIGNED)
    assert.equal((await taken(listener, REVIEW, signed(REVIEW))).status, 202)
    const { status, body } = await listener.post(REVIEW, signed(REVIEW))
    assert.equal(status, 202)
    assert.deepEqual(body, { received: 1, accepted: 1, unchanged: 0, rejected: 0, duplicate: true })
    assert.deepEqual(
      await taken(listener, '{}', signed('{}')),
      { raws: ['{}'], status: 202 },
      'the id with other content',
    )
  })

  test('is asked for where others reach the listener', async () => {
    await using http = createIntakeListener({ requestTimeoutMs: 60_000, maxConnections: 10 })
    const context = contextOf(http, { httpIsLoopback: false })
    const isConfig = (error: unknown) => error instanceof HeadwaterError && error.code === 'CONFIG_INVALID'
    await assert.rejects(webhook.open(webhook.config.parse({}), context), isConfig)
    await using _ = await webhook.open(webhook.config.parse({ verify: 'none' }), context)
    assert.equal(
      http.add('/hooks/partner', () => {}),
      false,
    )
    await assert.rejects(
      webhook.open(webhook.config.parse({ verify: 'none' }), context),
      isConfig,
      'the same path',
    )
    await using __ = await webhook.open(webhook.config.parse({ path: '/more', verify: 'none' }), context)
  })
})
