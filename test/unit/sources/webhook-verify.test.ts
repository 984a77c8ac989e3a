import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { config, type Verify } from '../../../src/sources/webhook/config.ts'
import { schemeOf } from '../../../src/sources/webhook/verify.ts'
import { BODY, type Headers, NOW, parsed, passes } from './webhook-schemes-harness.ts'

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const OTHER = `whsec_${Buffer.alloc(24, 8).toString('base64')}`

function standard(...secrets: string[]): Verify {
  return parsed({ scheme: 'standard-webhooks', secrets })
}

function signed(more: Headers = {}, body = BODY, secret = SECRET): Headers {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(NOW / 1_000), ...more }
  const mac = createHmac('sha256', key)
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`)
    .update(body)
  return { 'webhook-signature': `v1,${mac.digest('base64')}`, ...headers }
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
    assert.ok(passes(standard(SECRET), Object.fromEntries(headers) as Headers))
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
    const wrong: Record<string, Headers> = {
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

  test('a public key is good beside a secret, and what one signs is not good for the other', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const bytes = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const verify = standard(`whpk_${bytes.toString('base64')}`, SECRET)
    const content = Buffer.concat([Buffer.from(`msg_1.${NOW / 1_000}.`), BODY])
    const v1a = `v1a,${sign(null, content, privateKey).toString('base64')}`
    const isTaken = (list: string): boolean => passes(verify, signed({ 'webhook-signature': list }))
    const v1 = String(signed()['webhook-signature'])
    const wrong = `v1a,${Buffer.alloc(64, 1).toString('base64')}`

    for (const list of [v1, v1a, `${wrong} ${v1}`, `${v1a} v1,AAAA`, `v1,AAAA ${wrong} ${v1a}`])
      assert.ok(isTaken(list), list)
    for (const list of [wrong, v1.replace('v1', 'v1a'), v1a.replace('v1a', 'v1')])
      assert.ok(!isTaken(list), list)
    const keyAsSecret = signed({}, BODY, `whsec_${bytes.toString('base64')}`)
    assert.ok(!passes(verify, keyAsSecret), "the public key is nobody's secret")
    assert.ok(!passes(standard(SECRET), signed({ 'webhook-signature': v1a })), 'no public key is known')
  })

  test('a request can ask for few passes over its body only', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const bytes = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const content = Buffer.concat([Buffer.from(`msg_1.${NOW / 1_000}.`), BODY])
    const good = `v1a,${sign(null, content, privateKey).toString('base64')}`
    const wrong = `v1a,${Buffer.alloc(64, 1).toString('base64')} `
    const verify = standard(`whpk_${bytes.toString('base64')}`)
    assert.ok(passes(verify, signed({ 'webhook-signature': wrong.repeat(3) + good })))
    assert.ok(!passes(verify, signed({ 'webhook-signature': wrong.repeat(4) + good })))
  })

  test('an id counts as the bytes that were sent', () => {
    const id = Buffer.from('msg_é✓').toString('latin1')
    const mac = createHmac('sha256', Buffer.from(SECRET.replace('whsec_', ''), 'base64'))
      .update(`msg_é✓.${NOW / 1_000}.`)
      .update(BODY)
    const headers = { 'webhook-id': id, 'webhook-signature': `v1,${mac.digest('base64')}` }
    assert.ok(passes(standard(SECRET), signed(headers)))
  })

  test('a secret or key that is not base64 of the right length is a problem of the config', () => {
    const long = randomBytes(65).toString('base64')
    const shortKey = `whpk_${randomBytes(31).toString('base64')}`
    for (const secret of ['', 'whsec_', 'whsec_c2hvcnQ=', 'not base64!'.repeat(4), long, shortKey]) {
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
