import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Verify } from '../../../src/sources/webhook/config.ts'
import { BODY, claimOf, NOW, parsed, passes, problemsOf } from './webhook-schemes-harness.ts'

const SECONDS = NOW / 1_000
const BASE = { scheme: 'hmac', secrets: ['hush', 'hush hush'], header: 'X-Signature' }
const TIMED = {
  ...BASE,
  signed: '{id}.{timestamp}.{body}',
  deliveryHeader: 'X-Id',
  timestampHeader: 'X-Time',
}

function hmacOf(
  algorithm: string,
  encoding: 'hex' | 'base64',
  ...parts: readonly (string | Buffer)[]
): string {
  const hmac = createHmac(algorithm, 'hush')
  for (const part of parts) hmac.update(part)
  return hmac.digest(encoding)
}

describe('an HMAC of the body', () => {
  test('is of SHA-256 and in hex, unless the config says otherwise', () => {
    for (const algorithm of ['sha256', 'sha512', 'sha1'] as const) {
      for (const encoding of ['hex', 'base64'] as const) {
        const verify = parsed({ ...BASE, algorithm, encoding, prefix: `${algorithm}=` })
        const signature = `${algorithm}=${hmacOf(algorithm, encoding, BODY)}`
        assert.ok(passes(verify, { 'x-signature': signature }), signature)
        const isUsual = algorithm === 'sha256' && encoding === 'hex'
        assert.equal(
          passes(parsed({ ...BASE, prefix: `${algorithm}=` }), { 'x-signature': signature }),
          isUsual,
        )
      }
    }
    assert.ok(passes(parsed(BASE), { 'x-signature': hmacOf('sha256', 'hex', BODY) }))
  })

  test('has its prefix, neither more nor less', () => {
    const signature = hmacOf('sha256', 'hex', BODY)
    const verify = parsed({ ...BASE, prefix: 'Signature ' })
    assert.ok(passes(verify, { 'x-signature': `Signature ${signature}` }))
    for (const wrong of [signature, `signature ${signature}`, `Signature  ${signature}`, 'Signature '])
      assert.ok(!passes(verify, { 'x-signature': wrong }), wrong)
  })

  test('comes with an id where the config names its header, and needs none', () => {
    const headers = { 'x-signature': hmacOf('sha256', 'hex', BODY) }
    const verify = parsed({ ...BASE, deliveryHeader: 'Idempotency-Key' })
    const deliveryOf = (key?: string): string | undefined =>
      claimOf(verify, { headers: { ...headers, 'idempotency-key': key } })?.delivery
    assert.deepEqual([deliveryOf('k-1'), deliveryOf()], ['k-1', undefined])
    assert.equal(claimOf(verify, { headers })?.verified, 'hmac')
  })
})

describe('an HMAC of more than the body', () => {
  const signedAt = (seconds: number | string, id = 'd-1') => ({
    'x-id': id,
    'x-time': String(seconds),
    'x-signature': hmacOf('sha256', 'hex', `${id}.${seconds}.`, BODY),
  })

  test('is taken with its id', () => {
    const claim = claimOf(parsed(TIMED), { headers: signedAt(SECONDS) })
    assert.deepEqual([claim?.isProvenBy(BODY), claim?.delivery], [true, 'd-1'])
  })

  test('is refused where its time is too old, too new or none', () => {
    const verify = parsed({ ...TIMED, toleranceMs: '1m' })
    for (const late of [-60, 0, 60]) assert.ok(passes(verify, signedAt(SECONDS - late)), `${late} s late`)
    for (const wrong of [SECONDS - 61, SECONDS + 61, NOW, 'hello', `${SECONDS}.5`, '', '0x6553f100'])
      assert.ok(!passes(verify, signedAt(wrong)), String(wrong))
  })

  test('is made as the template says, and what headers hold is not read as a template', () => {
    const templates: Readonly<Record<string, (id: string, time: string) => readonly (string | Buffer)[]>> = {
      'v0:{timestamp}:{body}': (_, time) => ['v0:', time, ':', BODY],
      '{timestamp}{body}': (_, time) => [time, BODY],
      '{body}.{id}': (id) => [BODY, '.', id],
      'id={id}|{id}|t={timestamp}~{body};': (id, time) => ['id=', id, '|', id, '|t=', time, '~', BODY, ';'],
    }
    for (const [signed, partsOf] of Object.entries(templates)) {
      for (const id of ['d-1', '{timestamp}', '{body}', '$&', 'é✓']) {
        const verify = templateOf(signed)
        const headers = {
          'x-id': Buffer.from(id).toString('latin1'),
          'x-time': String(SECONDS),
          'x-signature': hmacOf('sha256', 'hex', ...partsOf(id, String(SECONDS))),
        }
        assert.ok(passes(verify, headers), `${signed} with ${id}`)
        assert.ok(!passes(verify, headers, Buffer.from('{"rating":1}')), `${signed} with ${id}`)
      }
    }
  })

  test('is refused once a byte of what is signed is another', () => {
    const id = fc.stringMatching(/^[!-~]{1,40}$/)
    fc.assert(
      fc.property(id, id, fc.integer({ min: -300, max: 300 }), (given, other, late) => {
        const headers = signedAt(SECONDS + late, given)
        assert.ok(passes(parsed(TIMED), headers))
        assert.equal(passes(parsed(TIMED), { ...headers, 'x-id': other }), given === other)
        assert.equal(passes(parsed(TIMED), { ...headers, 'x-time': String(SECONDS) }), late === 0)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a config of an HMAC', () => {
  const problems: readonly [title: string, verify: object, expected: RegExp][] = [
    ['without a header', { header: undefined }, /^verify.header: expected a text/],
    ['with a header that can be none', { header: 'X A' }, /header: .*name of a header/],
    ['with a template without the body', { signed: 'x' }, /^verify.signed: expected \{body\}, once/],
    ['with the body twice', { signed: '{body}{body}' }, /signed: expected \{body\}, once/],
    ['with another placeholder', { signed: '{url}{body}' }, /signed: expected ASCII characters and \{id\}/],
    ['with a template beyond ASCII', { signed: '✓{body}' }, /signed: expected ASCII/],
    ['that signs an id of no header', { signed: '{id}{body}' }, /delivery_header: .*holds \{id\}/],
    [
      'that signs a time of no header',
      { signed: '{timestamp}{body}' },
      /timestamp_header: .*holds \{timestamp\}/,
    ],
    ['with a time that is not signed', { timestampHeader: 'x-time' }, /timestamp_header: .*proves nothing/],
    ['with another algorithm', { algorithm: 'md5' }, /algorithm: expected "sha256" or/],
    ['without secrets', { secrets: [] }, /secrets: expected at least 1 item/],
  ]
  for (const [title, more, expected] of problems) {
    test(`${title} is refused, with what was expected`, () => {
      const found = problemsOf({ ...BASE, ...more })
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', expected)
    })
  }
})

function templateOf(signed: string): Verify {
  return parsed({
    ...BASE,
    signed,
    deliveryHeader: 'X-Id',
    ...(signed.includes('{timestamp}') && { timestampHeader: 'X-Time' }),
  })
}
