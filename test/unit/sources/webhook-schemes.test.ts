import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { config, type Verify } from '../../../src/sources/webhook/config.ts'
import { Refused } from '../../../src/sources/webhook/refused.ts'
import type { Claim, Head } from '../../../src/sources/webhook/schemes/scheme.ts'
import { schemeOf } from '../../../src/sources/webhook/verify.ts'
import { openListener } from '../../support/webhook-listener.ts'

const BODY = Buffer.from('{"rating":5}')

function parsed(verify: object): Verify {
  const { verify: read } = config.parse({ verify })
  assert.ok(read)
  return read
}

/** What a request claims; undefined where its head alone is refused, which has to be a 401 that tells no secret. */
function claimOf(verify: Verify, head: Head): Claim | undefined {
  try {
    return schemeOf(verify).claim(head, 0)
  } catch (error) {
    assert.ok(error instanceof Refused)
    assert.equal(error.status, 401)
    for (const secret of (verify as { secrets: string[] }).secrets) assert.ok(!error.message.includes(secret))
    return undefined
  }
}

describe('GitHub', () => {
  const verify = parsed({ scheme: 'github', secrets: ["It's a Secret to Everybody", 'new secret é'] })
  const sign = (body: Buffer, secret = "It's a Secret to Everybody"): string =>
    `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  const passes = (signature: string | undefined, body = BODY): boolean =>
    claimOf(verify, { headers: { 'x-hub-signature-256': signature } })?.isProvenBy(body) ?? false

  test('passes what GitHub and octokit publish as examples', () => {
    const published: readonly [string, string, string][] = [
      [
        "It's a Secret to Everybody",
        'Hello, World!',
        'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
      ],
      ['secret', 'data', 'sha256=1b2c16b75bd2a870c114153ccda5bcfca63314bc722fa160d690de133ccbb9db'],
    ]
    for (const [secret, body, signature] of published) {
      const claim = claimOf(parsed({ scheme: 'github', secrets: [secret] }), {
        headers: { 'x-hub-signature-256': signature },
      })
      assert.equal(claim?.isProvenBy(Buffer.from(body)), true)
      assert.equal(claim.isProvenBy(Buffer.from(`${body} `)), false)
    }
  })

  test('passes the captured examples', (t) => {
    const folder = process.env['HEADWATER_CAPTURES'] ?? join(import.meta.dirname, '../../../../shared/data')
    const file = join(folder, 'webhook_signature_vectors.json')
    if (!existsSync(file)) return t.skip('captures absent')
    const all = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>[]
    const vectors = all.filter(({ scheme }) => scheme?.startsWith('github'))
    assert.ok(vectors.length > 0)
    for (const { secret, body = '', signature } of vectors) {
      const head = { headers: { 'x-hub-signature-256': signature } }
      const claim = claimOf(parsed({ scheme: 'github', secrets: [secret] }), head)
      assert.equal(claim?.isProvenBy(Buffer.from(body)), true)
    }
  })

  test('each of several secrets is good', () => {
    assert.ok(passes(sign(BODY)))
    assert.ok(passes(sign(BODY, 'new secret é')))
    assert.ok(!passes(sign(BODY, 'old secret')))
  })

  test('nothing but the right signature passes', () => {
    const good = sign(BODY)
    const wrong: Record<string, string | undefined> = {
      'none at all': undefined,
      'an empty one': '',
      'without its algorithm': good.slice(7),
      'another algorithm': good.replace('sha256', 'sha1'),
      'half of it': good.slice(0, 40),
      'one digit too many': `${good}0`,
      'two of them': `${good}, ${good}`,
      'another body': sign(Buffer.from('{"rating":1}')),
      'as base64': `sha256=${Buffer.from(good.slice(7), 'hex').toString('base64')}`,
    }
    for (const [what, signature] of Object.entries(wrong)) assert.ok(!passes(signature), what)
    assert.ok(passes(good.toUpperCase().replace('SHA', 'sha')), 'digits in capitals are the same digits')
  })

  test('the bytes count, not the text that they decode to', () => {
    const [sent, altered] = [Buffer.from([0xff]), Buffer.from([0xfe])]
    assert.ok(passes(sign(sent), sent))
    assert.ok(!passes(sign(sent), altered))
  })

  test('one bit of the body or of the signature is enough to fail', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.nat(),
        fc.boolean(),
        (bytes, at, inBody) => {
          const body = Buffer.from(bytes)
          const signature = createHmac('sha256', 'new secret é').update(body).digest()
          assert.ok(passes(`sha256=${signature.toString('hex')}`, body))
          const altered = inBody ? body : signature
          const place = at % (altered.length * 8)
          altered[place >> 3] = (altered[place >> 3] ?? 0) ^ (1 << (place & 7))
          assert.ok(!passes(`sha256=${signature.toString('hex')}`, body))
        },
      ),
      { numRuns: 200 },
    )
  })

  test('the id of the delivery is that of GitHub, where there is one', () => {
    const headers = { 'x-hub-signature-256': sign(BODY) }
    const claim = claimOf(verify, { headers: { ...headers, 'x-github-delivery': 'd-1' } })
    assert.deepEqual([claim?.delivery, claim?.verified], ['d-1', 'github'])
    assert.equal(claimOf(verify, { headers })?.delivery, undefined)
    const tooLong = { ...headers, 'x-github-delivery': 'x'.repeat(257) }
    assert.equal(claimOf(verify, { headers: tooLong }), undefined)
  })
})

describe('a token in the URL', () => {
  const TOKEN = 'a-long_random.text~1'
  const OTHER = 'another-long-random-text'
  const verify = parsed({ scheme: 'url-token', secrets: [TOKEN, OTHER] })
  const passes = (url: string, asked = verify): boolean => claimOf(asked, { url, headers: {} }) !== undefined

  test('each of several tokens is good, wherever it stands in the query', () => {
    for (const query of [TOKEN, OTHER, `${TOKEN}&x=1`, TOKEN.replace('a', '%61')])
      assert.ok(passes(`/hooks/partner?token=${query}`), query)
    assert.ok(passes(`/hooks/partner?x=?&token=${TOKEN}`))
    assert.ok(passes(`http://127.0.0.1/hooks/partner?token=${TOKEN}`))
  })

  test('nothing else passes', () => {
    const wrong = [
      '/hooks/partner',
      '/hooks/partner?',
      '/hooks/partner?token',
      '/hooks/partner?token=',
      `/hooks/partner?token=${TOKEN.slice(1)}`,
      `/hooks/partner?token=${TOKEN}x`,
      `/hooks/partner?token=${TOKEN}%00`,
      `/hooks/partner?token=${TOKEN.toUpperCase()}`,
      `/hooks/partner?token=${TOKEN}&token=${TOKEN}`,
      `/hooks/partner?Token=${TOKEN}`,
      `/hooks/partner?key=${TOKEN}`,
      `/hooks/${TOKEN}`,
      `/token=${TOKEN}`,
      '/hooks/partner?token=%zz',
    ]
    for (const url of wrong) assert.ok(!passes(url), url)
  })

  test('the parameter has the name that the config gives', () => {
    const named = parsed({ scheme: 'url-token', param: 'key', secrets: [TOKEN] })
    assert.ok(passes(`/hooks/partner?key=${TOKEN}`, named))
    assert.ok(!passes(`/hooks/partner?token=${TOKEN}`, named))
  })

  test('the id of the delivery is read where the config says', () => {
    const asked = parsed({ scheme: 'url-token', secrets: [TOKEN], deliveryHeader: 'X-Delivery' })
    const claim = claimOf(asked, { url: `/?token=${TOKEN}`, headers: { 'x-delivery': 'd1' } })
    assert.deepEqual([claim?.delivery, claim?.verified], ['d1', 'url-token'])
  })

  test('one that is short, or would be written in two ways in a URL, is a problem of the config', () => {
    for (const secret of [
      '',
      'too-short',
      'a long text with spaces',
      'base64+of/something=',
      'é'.repeat(16),
    ]) {
      const { error } = config.safeParse({ verify: { scheme: 'url-token', secrets: [secret] } })
      assert.ok(error, secret)
      if (secret !== '') assert.ok(!JSON.stringify(error.issues).includes(secret))
    }
  })

  test('is in no answer, context or log, whatever is sent with it', async () => {
    const lines: string[] = []
    const tell = (fields: object, message: string): void => void lines.push(JSON.stringify([fields, message]))
    const logger = { debug: tell, info: tell, warn: tell, error: tell }
    await using listener = await openListener(
      { verify: { scheme: 'url-token', secrets: [TOKEN] } },
      { logger },
    )
    const headers = { 'content-type': 'application/json' }
    const to = (query: string, init: RequestInit = {}) =>
      fetch(`${listener.url}${query}`, { method: 'POST', body: '{"a":1}', headers, ...init })
    const taken = to(`?token=${TOKEN}`)
    const batch = await listener.next()
    const [item] = batch?.items ?? []
    assert.deepEqual([item?.context.from, item?.context.verified], ['/hooks/partner', 'url-token'])
    await batch?.ack()
    const answers = [
      await taken,
      await to(`?token=${TOKEN}x`),
      await to(`?token=${TOKEN}&token=${TOKEN}`),
      await to(`?token=${TOKEN}`, { headers: { 'content-type': 'text/plain' } }),
      await to(`?token=${TOKEN}`, { body: '' }),
      await to(`?token=${TOKEN}`, { method: 'PUT' }),
      await to(`/${TOKEN}?token=${TOKEN}`),
      await to(`/%zz?token=${TOKEN}`),
      await to(`/${TOKEN}/%zz`),
    ]
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 401, 401, 415, 400, 405, 404, 400, 400],
    )
    for (const answer of answers) lines.push(await answer.text(), JSON.stringify([...answer.headers]))
    lines.push(JSON.stringify(batch?.items.map(({ origin, context }) => ({ origin, context }))))
    assert.deepEqual(
      lines.filter((line) => line.includes(TOKEN)),
      [],
    )
  })
})
