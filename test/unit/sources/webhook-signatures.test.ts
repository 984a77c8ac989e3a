import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { captured } from '../../support/captures.ts'
import { BODY, claimOf, type Headers, NOW, parsed, passes } from './webhook-schemes-harness.ts'

const SECONDS = String(NOW / 1_000)

/** One way to sign, written out here by hand from what its provider publishes. */
interface Signer {
  /** The keys of `verify:` but for the secrets. */
  readonly verify: object
  readonly secrets: readonly [string, string, string]
  readonly signatureHeader: string
  readonly others: Headers
  /** What is in the header of the signature. */
  sign(body: Buffer, secret: string): string
  /** The places of the signature in it. */
  readonly prefix: string
}

const texts = ['hush', 'new sécret ✓', 'a third'] as const
const signingSecrets = [1, 2, 3].map((n) => `whsec_${Buffer.alloc(32, n).toString('base64')}`)
const pairs = new Map<string, KeyObject>(
  Array.from({ length: 3 }, () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    // The last 32 bytes of the DER form are the key itself.
    const bytes = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    return [`whpk_${bytes.toString('base64')}`, privateKey]
  }),
)

const mac = (secret: string | Buffer, ...parts: readonly (string | Buffer)[]): Buffer =>
  createHmac('sha256', secret)
    .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
    .digest()

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice('whsec_'.length), 'base64')

const SIGNERS: Readonly<Record<string, Signer>> = {
  'Standard Webhooks': {
    verify: { scheme: 'standard-webhooks' },
    secrets: signingSecrets as [string, string, string],
    signatureHeader: 'webhook-signature',
    others: { 'webhook-id': 'msg_1', 'webhook-timestamp': SECONDS },
    prefix: 'v1,',
    sign: (body, secret) => mac(keyOf(secret), `msg_1.${SECONDS}.`, body).toString('base64'),
  },
  Svix: {
    verify: { scheme: 'standard-webhooks' },
    secrets: signingSecrets as [string, string, string],
    signatureHeader: 'svix-signature',
    others: { 'svix-id': 'msg_1', 'svix-timestamp': SECONDS },
    prefix: 'v1,',
    sign: (body, secret) => mac(keyOf(secret), `msg_1.${SECONDS}.`, body).toString('base64'),
  },
  'Standard Webhooks with public keys': {
    verify: { scheme: 'standard-webhooks' },
    secrets: [...pairs.keys()] as [string, string, string],
    signatureHeader: 'webhook-signature',
    others: { 'webhook-id': 'msg_1', 'webhook-timestamp': SECONDS },
    prefix: 'v1a,',
    sign(body, secret) {
      const key = pairs.get(secret)
      assert.ok(key)
      return sign(null, Buffer.concat([Buffer.from(`msg_1.${SECONDS}.`), body]), key).toString('base64')
    },
  },
  GitHub: {
    verify: { scheme: 'github' },
    secrets: texts,
    signatureHeader: 'x-hub-signature-256',
    others: {},
    prefix: 'sha256=',
    sign: (body, secret) => mac(secret, body).toString('hex'),
  },
  Shopify: {
    verify: { scheme: 'shopify' },
    secrets: texts,
    signatureHeader: 'x-shopify-hmac-sha256',
    others: {},
    prefix: '',
    sign: (body, secret) => mac(secret, body).toString('base64'),
  },
  Stripe: {
    verify: { scheme: 'stripe' },
    secrets: ['whsec_old', 'whsec_néw', 'whsec_third'],
    signatureHeader: 'stripe-signature',
    others: {},
    prefix: `t=${SECONDS},v1=`,
    sign: (body, secret) => mac(secret, `${SECONDS}.`, body).toString('hex'),
  },
  'Judge.me': {
    verify: { scheme: 'judgeme' },
    secrets: texts,
    signatureHeader: 'judgeme-hmac-sha256',
    others: {},
    prefix: '',
    sign: (body, secret) => mac(secret, body).toString('hex'),
  },
  'an HMAC of id, time and body': {
    verify: {
      scheme: 'hmac',
      header: 'X-Signature',
      prefix: 'v0=',
      signed: 'v0:{timestamp}:{id}:{body}!',
      deliveryHeader: 'X-Id',
      timestampHeader: 'X-Time',
    },
    secrets: texts,
    signatureHeader: 'x-signature',
    others: { 'x-id': 'd-1', 'x-time': SECONDS },
    prefix: 'v0=',
    sign: (body, secret) => mac(secret, `v0:${SECONDS}:d-1:`, body, '!').toString('hex'),
  },
}

for (const [name, signer] of Object.entries(SIGNERS)) {
  const { signatureHeader, others, prefix, secrets } = signer
  const [first, second, third] = secrets
  const verify = parsed({ ...signer.verify, secrets: [first, second] })
  const withSignature = (signature: string | undefined): Headers => ({
    ...others,
    [signatureHeader]: signature,
  })
  const signed = (body: Buffer, secret: string = first): Headers =>
    withSignature(`${prefix}${signer.sign(body, secret)}`)

  describe(name, () => {
    test('what is signed passes, an empty body too, and nothing else does', () => {
      for (const body of [BODY, Buffer.alloc(0)]) {
        assert.ok(passes(verify, signed(body), body))
        assert.ok(!passes(verify, signed(body), Buffer.concat([body, Buffer.from(' ')])))
      }
    })

    test('each of several secrets is good, whichever comes first, and no other', () => {
      for (const secret of [first, second]) assert.ok(passes(verify, signed(BODY, secret)))
      assert.ok(!passes(verify, signed(BODY, third)))
      const turned = parsed({ ...signer.verify, secrets: [third, first] })
      assert.deepEqual(
        secrets.map((secret) => passes(turned, signed(BODY, secret))),
        [true, false, true],
      )
    })

    test('the bytes count, not the text that they decode to', () => {
      const [sent, altered] = [Buffer.from([0xff]), Buffer.from([0xfe])]
      assert.equal(sent.toString(), altered.toString())
      assert.ok(passes(verify, signed(sent), sent))
      assert.ok(!passes(verify, signed(sent), altered))
    })

    test('every altered byte of the body or of the signature is refused', () => {
      const bodies = fc.uint8Array({ minLength: 1, maxLength: 64 })
      const change = fc.integer({ min: 1, max: 255 })
      fc.assert(
        fc.property(bodies, fc.nat(), change, fc.boolean(), (bytes, at, mask, inBody) => {
          const body = Buffer.from(bytes)
          const signature = Buffer.from(signer.sign(body, second))
          const passing = () => passes(verify, withSignature(prefix + signature.toString('latin1')), body)
          assert.ok(passing())
          const altered = inBody ? body : signature
          const place = at % altered.length
          const was = altered.toString('latin1')
          altered[place] = (altered[place] ?? 0) ^ mask
          const isOnlyCapital =
            !inBody && altered.toString('latin1').toLowerCase() === was && /^[0-9a-f]*$/.test(was)
          assert.equal(passing(), isOnlyCapital)
        }),
        { numRuns: 300 },
      )
    })

    test('a signature that lacks anything, or has more, is refused', () => {
      const signature = signer.sign(BODY, first)
      const isHex = /^[0-9a-f]+$/.test(signature)
      const other = isHex
        ? Buffer.from(signature, 'hex').toString('base64')
        : Buffer.from(signature, 'base64').toString('hex')
      const wrong: Record<string, string | undefined> = {
        'none at all': undefined,
        'an empty one': '',
        'what stands before it alone': prefix,
        'half of it': prefix + signature.slice(0, signature.length / 2),
        'all but its last character': prefix + signature.slice(0, -1),
        'a character too many': `${prefix}${signature}0`,
        'a space inside': `${prefix}${signature.slice(0, 8)} ${signature.slice(8)}`,
        'in the other encoding': prefix + other,
        'of nothing but zeros': prefix + signature.replaceAll(/[^=]/g, isHex ? '0' : 'A'),
        ...(prefix !== '' && { 'without what stands before it': signature }),
      }
      for (const [what, text] of Object.entries(wrong)) assert.ok(!passes(verify, withSignature(text)), what)
      const twice = [`${prefix}${signature}`, `${prefix}${signature}`] as unknown as string
      assert.ok(!passes(verify, withSignature(twice)), 'two headers')
    })

    if (Object.keys(others).length === 0) return
    test('a delivery without one of the other headers is refused, and one in which it is altered', () => {
      for (const header of Object.keys(others)) {
        for (const value of [undefined, '', `${others[header]}0`, 'x', `${others[header]}.0`])
          assert.ok(!passes(verify, { ...signed(BODY), [header]: value }), `${header}: ${value}`)
      }
    })
  })
}

interface Vector {
  readonly scheme: string
  readonly secret: string
  readonly body: string
  readonly signature: string
  readonly id?: string
  readonly timestamp?: number
}

/** How the captured vectors name their schemes, by their first letters. */
const VECTORS: Readonly<Record<string, (vector: Vector) => readonly [scheme: string, headers: Headers]>> = {
  'standard-webhooks': ({ id, timestamp, signature }) => [
    'standard-webhooks',
    { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature },
  ],
  github: ({ signature }) => ['github', { 'x-hub-signature-256': signature }],
  shopify: ({ signature }) => ['shopify', { 'x-shopify-hmac-sha256': signature }],
  'judge.me': ({ signature }) => ['judgeme', { 'judgeme-hmac-sha256': signature }],
  stripe: ({ signature }) => ['stripe', { 'stripe-signature': signature }],
}

const { path: file, skip } = captured('webhook_signature_vectors.json')

test('all captured vectors pass, and none with another body or secret', { skip }, () => {
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]
  assert.equal(vectors.length, 6)
  for (const vector of vectors) {
    const read = Object.entries(VECTORS).find(([start]) => vector.scheme.startsWith(start))?.[1]
    assert.ok(read, vector.scheme)
    const [scheme, headers] = read(vector)
    const body = Buffer.from(vector.body)
    const nowMs = (vector.timestamp ?? 0) * 1_000
    const proven = (secret: string, of = body): boolean | undefined =>
      claimOf(parsed({ scheme, secrets: [secret] }), { headers }, nowMs)?.isProvenBy(of)
    assert.equal(proven(vector.secret), true, vector.scheme)
    assert.equal(proven(vector.secret, Buffer.concat([body, Buffer.from('\n')])), false, vector.scheme)
    assert.equal(proven(`whsec_${randomBytes(24).toString('base64')}`), false, vector.scheme)
  }
})
