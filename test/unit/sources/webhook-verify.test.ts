import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { config, type Verify } from '../../../src/sources/webhook/config.ts'
import { Refused } from '../../../src/sources/webhook/refused.ts'
import { schemeOf } from '../../../src/sources/webhook/verify.ts'

const NOW = 1_700_000_000_000
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const OTHER = `whsec_${Buffer.alloc(24, 8).toString('base64')}`
const BODY = Buffer.from('{"rating":5}')

function standard(...secrets: string[]): Verify {
  return parsed({ scheme: 'standard-webhooks', secrets })
}

function parsed(verify: object): Verify {
  const { verify: read } = config.parse({ verify })
  assert.ok(read)
  return read
}

function signed(more: IncomingHttpHeaders = {}, body = BODY, secret = SECRET): IncomingHttpHeaders {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(NOW / 1_000), ...more }
  const mac = createHmac('sha256', key)
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`)
    .update(body)
  return { 'webhook-signature': `v1,${mac.digest('base64')}`, ...headers }
}

/** Whether a request passes; a refusal has to be a 401 without a secret in it. */
function passes(verify: Verify, headers: IncomingHttpHeaders, body = BODY): boolean {
  try {
    return schemeOf(verify).claim({ headers }, NOW).isProvenBy(body)
  } catch (error) {
    assert.ok(error instanceof Refused)
    assert.equal(error.status, 401)
    const { secrets } = verify as { secrets: string[] }
    for (const secret of secrets) assert.ok(!error.message.includes(secret.replace('whsec_', '')))
    return false
  }
}

describe('standard webhooks', () => {
  test('a signed body passes, and tells its id and its scheme', () => {
    const claim = schemeOf(standard(SECRET)).claim({ headers: signed() }, NOW)
    assert.equal(claim.isProvenBy(BODY), true)
    assert.deepEqual([claim.delivery, claim.verified], ['msg_1', 'standard-webhooks'])
  })

  test('the secret may stand with and without whsec_', () => {
    assert.ok(passes(standard(SECRET.replace('whsec_', '')), signed()))
  })

  test('the headers of Svix are the same by another name', () => {
    const headers = Object.entries(signed()).map(([name, value]) => [name.replace('webhook', 'svix'), value])
    assert.ok(passes(standard(SECRET), Object.fromEntries(headers) as IncomingHttpHeaders))
  })

  test('any of several signatures and any of several secrets will do', () => {
    const good = String(signed()['webhook-signature'])
    const others = String(signed({}, BODY, OTHER)['webhook-signature'])
    for (const list of [`v1,AAAA ${good}`, `v1a,AAAA ${good}`, `${others} ${good}`]) {
      assert.ok(passes(standard(SECRET), signed({ 'webhook-signature': list })), list)
    }
    assert.ok(passes(standard(OTHER, SECRET), signed()))
    assert.ok(passes(standard(SECRET, OTHER), signed()))
    assert.ok(!passes(standard(OTHER), signed()))
  })

  test('nothing but the right headers passes', () => {
    const good = String(signed()['webhook-signature'])
    const wrong: Record<string, IncomingHttpHeaders> = {
      'no id': signed({ 'webhook-id': undefined }),
      'an empty id': signed({ 'webhook-id': '' }),
      'several ids': signed({ 'webhook-id': ['msg_1', 'msg_1'] as unknown as string }),
      'a very long id': signed({ 'webhook-id': 'x'.repeat(257) }),
      'another id': { ...signed(), 'webhook-id': 'msg_2' },
      'no timestamp': signed({ 'webhook-timestamp': undefined }),
      'a word for a timestamp': signed({ 'webhook-timestamp': 'hello' }),
      'letters behind the timestamp': signed({ 'webhook-timestamp': `${NOW / 1_000}abc` }),
      'a fraction for a timestamp': signed({ 'webhook-timestamp': `${NOW / 1_000}.5` }),
      'another timestamp': { ...signed(), 'webhook-timestamp': String(NOW / 1_000 + 1) },
      'an old timestamp': signed({ 'webhook-timestamp': String(NOW / 1_000 - 301) }),
      'a new timestamp': signed({ 'webhook-timestamp': String(NOW / 1_000 + 301) }),
      'no signature': signed({ 'webhook-signature': undefined }),
      'an empty signature': signed({ 'webhook-signature': 'v1,' }),
      'half a signature': signed({ 'webhook-signature': good.slice(0, 25) }),
      'a wrong signature': signed({ 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` }),
      'another version': signed({ 'webhook-signature': good.replace('v1,', 'v2,') }),
      'no version': signed({ 'webhook-signature': good.replace('v1,', '') }),
      'no headers': {},
    }
    for (const [what, headers] of Object.entries(wrong)) assert.ok(!passes(standard(SECRET), headers), what)
  })

  test('a timestamp may be off by the tolerance, both ways', () => {
    for (const seconds of [-300, 300]) {
      assert.ok(passes(standard(SECRET), signed({ 'webhook-timestamp': String(NOW / 1_000 + seconds) })))
    }
  })

  test('the bytes count, not the text that they decode to', () => {
    const [sent, altered] = [Buffer.from([0xff]), Buffer.from([0xfe])]
    assert.equal(sent.toString(), altered.toString())
    assert.ok(passes(standard(SECRET), signed({}, sent), sent))
    assert.ok(!passes(standard(SECRET), signed({}, sent), altered))
  })

  test('an empty body can be signed', () => {
    assert.ok(passes(standard(SECRET), signed({}, Buffer.alloc(0)), Buffer.alloc(0)))
  })

  test('agrees with the reference library on every text', () => {
    const texts = fc.tuple(
      fc.string({ unit: 'grapheme' }),
      fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/),
      fc.integer(),
    )
    fc.assert(
      fc.property(texts, ([text, id, secretSeed]) => {
        const secret = `whsec_${Buffer.alloc(32, secretSeed).toString('base64')}`
        const headers = {
          'webhook-id': id,
          'webhook-timestamp': String(NOW / 1_000),
          'webhook-signature': new Webhook(secret).sign(id, new Date(NOW), text),
        }
        assert.ok(passes(standard(secret), headers, Buffer.from(text)))
        assert.ok(!passes(standard(secret), headers, Buffer.from(`${text} `)))
      }),
      { numRuns: 100 },
    )
  })

  test('accepts the published vectors', (t) => {
    const folder = process.env['HEADWATER_CAPTURES'] ?? join(import.meta.dirname, '../../../../shared/data')
    const file = join(folder, 'webhook_signature_vectors.json')
    if (!existsSync(file)) return t.skip('captures absent')
    const vectors = (JSON.parse(readFileSync(file, 'utf8')) as Vector[]).filter(isStandard)
    assert.ok(vectors.length > 0)
    for (const { secret, id, timestamp, body, signature } of vectors) {
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signature,
      }
      const claim = schemeOf(standard(secret)).claim({ headers }, timestamp * 1_000)
      assert.ok(claim.isProvenBy(Buffer.from(body)))
    }
  })

  test('a secret that is not base64 of a fair length is a problem of the config', () => {
    const long = randomBytes(65).toString('base64')
    for (const secret of ['', 'whsec_', 'whsec_c2hvcnQ=', 'not base64!'.repeat(4), long]) {
      const { error } = config.safeParse({ verify: { scheme: 'standard-webhooks', secrets: [secret] } })
      assert.ok(error, secret)
      if (secret.length > 6) assert.ok(!JSON.stringify(error.issues).includes(secret))
    }
  })
})

describe('a shared secret', () => {
  const shared = (more: object = {}): Verify =>
    parsed({ scheme: 'shared-secret', secrets: ['old secret', 'new secret é'], ...more })

  test('each of the secrets passes, so that they can be rotated', () => {
    const asSent = Buffer.from('new secret é').toString('latin1')
    for (const secret of ['old secret', asSent])
      assert.ok(passes(shared(), { 'x-webhook-secret': secret }), secret)
  })

  test('nothing else passes', () => {
    const several = ['old secret', 'old secret'] as unknown as string
    for (const secret of [undefined, '', 'old', 'old secret ', 'old secret, old secret', several]) {
      assert.ok(!passes(shared(), { 'x-webhook-secret': secret }), String(secret))
    }
  })

  test('the header has the name that the config gives, in any case', () => {
    assert.ok(passes(shared({ header: 'Authorization' }), { authorization: 'old secret' }))
    assert.ok(!passes(shared({ header: 'Authorization' }), { 'x-webhook-secret': 'old secret' }))
  })

  test('the id of the delivery is read where the config says', () => {
    const scheme = schemeOf(shared({ deliveryHeader: 'X-Delivery' }))
    const headers = { 'x-webhook-secret': 'old secret' }
    assert.equal(scheme.claim({ headers: { ...headers, 'x-delivery': 'd1' } }, NOW).delivery, 'd1')
    assert.equal(scheme.claim({ headers }, NOW).delivery, undefined)
  })
})

interface Vector {
  readonly scheme: string
  readonly secret: string
  readonly id: string
  readonly timestamp: number
  readonly body: string
  readonly signature: string
}

function isStandard({ scheme }: Vector): boolean {
  return scheme.startsWith('standard-webhooks')
}
