import assert from 'node:assert/strict'
import { createHmac, hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { json, lines, type Row, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Stored extends Row {
  readonly rawHash: string
  readonly context: {
    readonly source: string
    readonly delivery?: string
    readonly verified?: string
    readonly carried?: object
  }
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

type Headers = Readonly<Record<string, string>>

async function post(url: string, headers: Headers, body: string | Buffer): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    body: Buffer.from(body),
    headers: { 'content-type': 'application/json', ...headers },
  })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

const hmac = (secret: string, text: string): Buffer => createHmac('sha256', secret).update(text).digest()

/** How the two senders sign. */
const SENDERS: Readonly<Record<string, (id: string, body: string, secret: string) => Headers>> = {
  shop: (id, body, secret) => ({
    'x-shopify-hmac-sha256': hmac(secret, body).toString('base64'),
    'x-shopify-event-id': id,
  }),
  partner(id, body, secret) {
    const timestamp = String(Math.floor(Date.now() / 1_000))
    return {
      'x-partner-signature': `v0=${hmac(secret, `${id}.${timestamp}.${body}`).toString('hex')}`,
      'x-partner-id': id,
      'x-partner-time': timestamp,
    }
  },
}

const OLD = 'the-old-secret-of-both'
const NEW = 'the-new-secret-of-both'

async function writeSources(folder: string, secrets: readonly string[]): Promise<void> {
  for (const secret of secrets) await writeFile(join(folder, secret.slice(4, 7)), `${secret}\n`)
  const listed = JSON.stringify(secrets.map((secret) => `\${file:${join(folder, secret.slice(4, 7))}}`))
  await writeConfig(
    folder,
    `
  - { name: shop, type: webhook, verify: { scheme: shopify, secrets: ${listed} } }
  - name: partner
    type: webhook
    verify:
      scheme: hmac
      header: X-Partner-Signature
      prefix: v0=
      signed: "{id}.{timestamp}.{body}"
      delivery_header: X-Partner-Id
      timestamp_header: X-Partner-Time
      secrets: ${listed}
`,
  )
}

describe('webhooks that are signed', () => {
  test('a secret is replaced while its sender goes on, and nothing is lost or shown', async () => {
    await using folder = await temporaryFolder()
    const taken = new Map<string, string>()
    let output = ''

    async function sendBoth(day: string, secrets: readonly string[]): Promise<void> {
      await writeSources(folder.path, secrets)
      const up = await startUp(folder.path)
      await using _ = up.process
      for (const [name, sign] of Object.entries(SENDERS)) {
        const url = up.webhook.replace('/hooks/hook', `/hooks/${name}`)
        for (const secret of [OLD, NEW]) {
          const id = `${name}-${day}-${secret.slice(4, 7)}`
          const body = `{ "note": 1.0, ${review(id).slice(1)}`
          const headers = sign(id, body, secret)
          const isGood = secrets.includes(secret)
          assert.equal((await post(url, headers, body)).status, isGood ? 202 : 401, id)
          assert.equal((await post(url, headers, `${body} `)).status, 401, 'another body')
          if (!isGood) continue
          taken.set(id, body)
          const again = await post(url, sign(id, body, secret), body)
          assert.deepEqual([again.status, again.body['duplicate'], again.body['received']], [202, true, 1])
          const compressed = await post(url, { ...headers, 'content-encoding': 'gzip' }, gzipSync(body))
          assert.deepEqual([compressed.status, compressed.body['duplicate']], [202, true])
        }
        assert.equal((await post(url, {}, review('UNSIGNED'))).status, 401)
      }
      const { code, stdout, stderr } = await up.process.stop()
      assert.equal(code, 0, stderr)
      output += stdout + stderr
    }

    await sendBoth('monday', [OLD])
    await sendBoth('tuesday', [NEW, OLD])
    await sendBoth('wednesday', [NEW])

    const rows = await lines<Stored>(['reviews', 'list', '--limit', '1000'], folder.path)
    assert.equal(rows.length, taken.size)
    assert.deepEqual(
      new Map(rows.map(({ context, rawHash }) => [context.delivery, [context.verified, rawHash]])),
      new Map(
        [...taken].map(([id, body]) => [
          id,
          [id.startsWith('shop') ? 'shopify' : 'hmac', hash('sha256', body)],
        ]),
      ),
    )
    assert.equal((await json<{ ok: boolean }>(['audit'], folder.path)).ok, true)
    assert.ok(!output.includes(OLD) && !output.includes(NEW))
  })
})

describe('webhooks with a preset', () => {
  const TOKEN = 'a-token-that-nobody-is-told'
  const PRESET = `
name: stars
version: 1
items: [/events/*]
failed: { when: /error, message: /error }
carry: { shop: /shop/id, locale: /locale }
fields:
  review_id: { from: /eventData/id, parse: id }
  product_id: { carried: shop }
  user_id: { from: /eventData/consumer/id }
  review_text: { from: /eventData/text }
  rating: { from: /eventData/stars, parse: number }
  review_timestamp: { from: /eventData/createdAt }
  language: { carried: locale }
`
  const event = (id: string, more: object = {}): object => ({
    eventName: 'service-review-created',
    eventData: {
      id,
      stars: 4,
      text: `${id}.`,
      createdAt: '2026-11-20T10:00:00Z',
      consumer: { id: 'U1' },
      ...more,
    },
  })
  const delivery = (shop: string, ...events: readonly object[]): object => ({
    shop: { id: shop },
    locale: 'en',
    events,
  })

  test('several events in a delivery, and several deliveries in a body, are a review each with what stands around them', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'stars.yaml'), PRESET)
    const verify = `{ scheme: url-token, secrets: [${TOKEN}], delivery_header: x-delivery }`
    await writeConfig(
      folder.path,
      `  - { name: stars, type: webhook, preset: ./stars.yaml, verify: ${verify} }`,
    )
    const up = await startUp(folder.path)
    await using _ = up.process
    const url = up.webhook.replace('/hooks/hook', `/hooks/stars?token=${TOKEN}`)
    const send = (id: string, content: unknown): Promise<Answer> =>
      post(url, { 'x-delivery': id }, JSON.stringify(content, undefined, 1))

    const three = delivery('S1', event('A'), event('B', { stars: 9 }), event('C'))
    const first = await send('d-1', three)
    assert.partialDeepStrictEqual(first, {
      status: 202,
      body: {
        received: 3,
        accepted: 2,
        unchanged: 0,
        rejected: 1,
        errors: [{ index: 1, code: 'invalid_rating' }],
      },
    })
    assert.partialDeepStrictEqual((await send('d-1', three)).body, {
      received: 3,
      accepted: 2,
      duplicate: true,
    })
    assert.partialDeepStrictEqual((await send('d-2', delivery('S1'))).body, { received: 0, rejected: 0 })
    const body = [
      delivery('S2', event('D')),
      { error: 'out of events' },
      delivery('S3', event('E'), event('F')),
    ]
    assert.partialDeepStrictEqual((await send('d-3', body)).body, {
      received: 4,
      accepted: 3,
      rejected: 1,
      errors: [{ index: 1, code: 'provider_error' }],
    })
    assert.equal((await up.process.stop()).code, 0)

    const rows = await lines<Stored>(['reviews', 'list', '--limit', '1000'], folder.path)
    const accepted = rows.filter(({ verdict }) => verdict.status === 'accepted')
    assert.deepEqual(
      new Map(
        accepted.map(({ verdict: { review: read }, context }) => [
          read?.['review_id'],
          [read?.['product_id'], read?.['language'], context.delivery],
        ]),
      ),
      new Map([
        ['A', ['S1', 'en', 'd-1']],
        ['C', ['S1', 'en', 'd-1']],
        ['D', ['S2', 'en', 'd-3']],
        ['E', ['S3', 'en', 'd-3']],
        ['F', ['S3', 'en', 'd-3']],
      ]),
    )
    assert.deepEqual([accepted.length, rows.length], [5, 7])
  })
})
