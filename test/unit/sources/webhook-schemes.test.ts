import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import { config, type Verify } from '../../../src/sources/webhook/config.ts'
import { openListener } from '../../support/webhook-listener.ts'
import { BODY, claimOf, type Headers, NOW, parsed, passes } from './webhook-schemes-harness.ts'

const hexOf = (secret: string, ...parts: readonly (string | Buffer)[]): string => {
  const hmac = createHmac('sha256', secret)
  for (const part of parts) hmac.update(part)
  return hmac.digest('hex')
}

const base64Of = (secret: string, body: Buffer): string =>
  createHmac('sha256', secret).update(body).digest('base64')

/** The delivery id of a request that passes. */
function deliveryOf(verify: Verify, headers: Headers): string | undefined {
  const claim = claimOf(verify, { headers })
  assert.equal(claim?.isProvenBy(BODY), true)
  return claim.delivery
}

describe('GitHub', () => {
  const verify = parsed({ scheme: 'github', secrets: ['hush'] })
  const signature = `sha256=${hexOf('hush', BODY)}`

  test('passes what GitHub and octokit publish as examples', () => {
    const published: readonly [string, string, string][] = [
      [
        "It's a Secret to Everybody",
        'Hello, World!',
        'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
      ],
      ['secret', 'data', 'sha256=1b2c16b75bd2a870c114153ccda5bcfca63314bc722fa160d690de133ccbb9db'],
    ]
    for (const [secret, body, example] of published) {
      const asked = parsed({ scheme: 'github', secrets: [secret] })
      assert.ok(passes(asked, { 'x-hub-signature-256': example }, Buffer.from(body)))
      assert.ok(!passes(asked, { 'x-hub-signature-256': example }, Buffer.from(`${body} `)))
    }
  })

  test('another algorithm is refused, and digits in capitals are the same digits', () => {
    const sha1 = `sha1=${createHmac('sha1', 'hush').update(BODY).digest('hex')}`
    for (const wrong of [sha1, signature.replace('sha256', 'sha1'), `${signature}, ${signature}`])
      assert.ok(!passes(verify, { 'x-hub-signature-256': wrong }), wrong)
    assert.ok(!passes(verify, { 'x-hub-signature': sha1 }))
    assert.ok(passes(verify, { 'x-hub-signature-256': signature.toUpperCase().replace('SHA', 'sha') }))
  })

  test('the id of the delivery is that of GitHub, where there is one', () => {
    const headers = { 'x-hub-signature-256': signature }
    assert.equal(deliveryOf(verify, { ...headers, 'x-github-delivery': 'd-1' }), 'd-1')
    assert.equal(deliveryOf(verify, headers), undefined)
    assert.equal(
      claimOf(verify, { headers: { ...headers, 'x-github-delivery': 'x'.repeat(257) } }),
      undefined,
    )
    assert.equal(claimOf(verify, { headers })?.verified, 'github')
  })
})

describe('Shopify', () => {
  const verify = parsed({ scheme: 'shopify', secrets: ['hush'] })

  test('the id of the event counts before that of the delivery, since it stays over duplicates', () => {
    const headers = { 'x-shopify-hmac-sha256': base64Of('hush', BODY), 'x-shopify-webhook-id': 'w-1' }
    assert.equal(deliveryOf(verify, { ...headers, 'x-shopify-event-id': 'e-1' }), 'e-1')
    assert.equal(deliveryOf(verify, headers), 'w-1')
    assert.equal(deliveryOf(verify, { ...headers, 'x-shopify-webhook-id': undefined }), undefined)
    assert.equal(claimOf(verify, { headers })?.verified, 'shopify')
  })

  test('a secret counts as its text, and a body in UTF-8 as its bytes', () => {
    const body = Buffer.from('{"id":1,"body":"naïve ✓"}')
    const signature = 'q58F9CjMScoBo8z0FVj7Vsc4uD3ph/pHaM+aaK/sFgI='
    assert.ok(passes(verify, { 'x-shopify-hmac-sha256': signature }, body))
    const spelled = Buffer.from('{"id":1,"body":"na\\u00efve \\u2713"}')
    assert.ok(!passes(verify, { 'x-shopify-hmac-sha256': signature }, spelled))
  })

  test('base64 that decodes to the same bytes but is written otherwise is refused', () => {
    const signature = base64Of('hush', BODY)
    for (const written of [
      signature.replace(/=$/, ''),
      `${signature}=`,
      `${signature}\n`,
      Buffer.from(signature, 'base64').toString('base64url'),
    ]) {
      assert.ok(!passes(verify, { 'x-shopify-hmac-sha256': written }), written)
    }
  })
})

describe('Judge.me', () => {
  const verify = parsed({ scheme: 'judgeme', secrets: ['my_api_secret_key'] })
  const signature = hexOf('my_api_secret_key', BODY)

  test('the header may have the name that proxies give it', () => {
    assert.ok(passes(verify, { 'judgeme-hmac-sha256': signature }))
    assert.ok(passes(verify, { 'x-judgeme-hmac-sha256': signature }))
    assert.ok(!passes(verify, { 'x-hmac-sha256': signature }))
  })

  test('passes what the documented rule gives, and knows no id', () => {
    const body = Buffer.from('{"review":{"id":1}}')
    const headers = {
      'judgeme-hmac-sha256': '23a04ed246cb3959f45a052c49b346c6653e021181b30252d060ee637daa0d6d',
    }
    const claim = claimOf(verify, { headers })
    assert.deepEqual(
      [claim?.isProvenBy(body), claim?.verified, claim?.delivery],
      [true, 'judgeme', undefined],
    )
  })
})

describe('Stripe', () => {
  const verify = parsed({ scheme: 'stripe', secrets: ['whsec_test_secret'] })
  const seconds = NOW / 1_000
  const v1 = (timestamp: string | number, secret = 'whsec_test_secret'): string =>
    `v1=${hexOf(secret, `${timestamp}.`, BODY)}`
  const isTaken = (header: string): boolean => passes(verify, { 'stripe-signature': header })

  test('passes what the documented rule gives: the secret is text, with its whsec_', () => {
    const signature = 't=1614265330,v1=10c96c6fd3f320fcfc264cdc4f476c15060ede8e8a08404cea2ddf3b72544a9c'
    const claim = claimOf(verify, { headers: { 'stripe-signature': signature } }, 1_614_265_330_000)
    assert.deepEqual(
      [claim?.isProvenBy(Buffer.from('{"test": 2432232314}')), claim?.verified, claim?.delivery],
      [true, 'stripe', undefined],
    )
  })

  test('only old timestamps are refused', () => {
    for (const late of [0, 299, 300, -1, -301, -86_400])
      assert.ok(isTaken(`t=${seconds - late},${v1(seconds - late)}`), `${late} s late`)
    for (const late of [301, 86_400, seconds])
      assert.ok(!isTaken(`t=${seconds - late},${v1(seconds - late)}`), `${late} s late`)
  })

  test('one of several signatures is enough, wherever it stands', () => {
    const good = v1(seconds)
    const other = v1(seconds, 'another')
    for (const list of [`${other},${good}`, `${good},${other}`, `v0=00,v1=,v1=00,${good},v2=x`])
      assert.ok(isTaken(`t=${seconds},${list}`), list)
    assert.ok(isTaken(`${good},t=${seconds}`))
    assert.ok(!isTaken(`t=${seconds},${other},${other}`))
  })

  test('a header that is not quite one is refused', () => {
    const good = v1(seconds)
    const wrong = [
      good,
      `t=,${good}`,
      `t=hello,${v1('hello')}`,
      `t=${seconds}abc,${v1(`${seconds}abc`)}`,
      `t=${seconds}.0,${v1(`${seconds}.0`)}`,
      `t=-1,${v1('-1')}`,
      `t=${seconds},t=${seconds},${good}`,
      `t=${seconds + 1},${good}`,
      `t=${seconds}`,
      `t=${seconds},v1=`,
      `t=${seconds},${good.replace('v1', 'v0')}`,
      `t=${seconds};${good}`,
    ]
    for (const header of wrong) assert.ok(!isTaken(header), header)
  })

  test('the tolerance is that of the config', () => {
    const strict = parsed({ scheme: 'stripe', secrets: ['whsec_test_secret'], toleranceMs: '10s' })
    const header = `t=${seconds - 11},${v1(seconds - 11)}`
    assert.ok(!passes(strict, { 'stripe-signature': header }))
    assert.ok(isTaken(header))
  })
})

describe('a token in the URL', () => {
  const TOKEN = 'a-long_random.text~1'
  const OTHER = 'another-long-random-text'
  const verify = parsed({ scheme: 'url-token', secrets: [TOKEN, OTHER] })
  const isKnown = (url: string, asked = verify): boolean => claimOf(asked, { url }) !== undefined

  test('each of several tokens is good, wherever it stands in the query', () => {
    for (const query of [TOKEN, OTHER, `${TOKEN}&x=1`, TOKEN.replace('a', '%61')])
      assert.ok(isKnown(`/hooks/partner?token=${query}`), query)
    assert.ok(isKnown(`/hooks/partner?x=?&token=${TOKEN}`))
    assert.ok(isKnown(`http://127.0.0.1/hooks/partner?token=${TOKEN}`))
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
    for (const url of wrong) assert.ok(!isKnown(url), url)
  })

  test('the parameter has the name that the config gives', () => {
    const named = parsed({ scheme: 'url-token', param: 'key', secrets: [TOKEN] })
    assert.ok(isKnown(`/hooks/partner?key=${TOKEN}`, named))
    assert.ok(!isKnown(`/hooks/partner?token=${TOKEN}`, named))
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
