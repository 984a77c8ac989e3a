import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import httpPoll from '../../../src/sources/http-poll/index.ts'
import { createSecrets } from '../../../src/sources/http/secrets.ts'
import { type Asked, openProvider, type Reply } from '../../support/provider.ts'
import { createPlace, numbered, type Place } from './http-poll-harness.ts'

const KEY = 'k3y/of+ours=0123456789'
const FORMS = [KEY, encodeURIComponent(KEY), 'k3y', '0123456789']

/** Every way in which a config can hold a secret. */
const GIVEN: Record<string, object> = {
  'a header': { headers: { 'X-Api-Key': KEY } },
  'a bearer token': { headers: { authorization: `Bearer ${KEY}` } },
  'a parameter': { params: { api_key: KEY } },
  'a parameter of another name': { params: { k: KEY } },
  'the query of the url': { query: `?api_key=${encodeURIComponent(KEY)}` },
  'a JSON body': { method: 'POST', body: JSON.stringify({ auth: { token: KEY }, asin: '{product}' }) },
  'a form as body': { method: 'POST', body: new URLSearchParams({ token: KEY }).toString() },
  'a parameter with the product in it': { params: { variables: `{"asin":"{product}","token":"${KEY}"}` } },
}

/** All that is written down anywhere but raw. */
async function written(place: Place, contexts: readonly object[]): Promise<string> {
  const entries: string[] = []
  for await (const { name, value } of place.registry.list('')) entries.push(name, value.toString())
  return JSON.stringify([place.log, place.troubles, contexts, entries])
}

function assertHidden(text: string): void {
  for (const form of FORMS) assert.ok(!text.includes(form), `${form} in ${text}`)
}

/** What the provider was told of the key: it repeats all of that in its answers. */
const echoOf = ({ params, headers, body }: Asked): string =>
  JSON.stringify([
    ...params,
    ...(body.startsWith('{') ? [] : new URLSearchParams(body)),
    headers['x-api-key'],
    headers.authorization,
    body,
  ])

for (const [where, { query = '', ...settings }] of Object.entries(GIVEN) as [string, { query?: string }][]) {
  describe(`a secret in ${where}`, () => {
    const products = JSON.stringify(settings).includes('{product}') ? { products: ['B1'] } : {}

    test('is sent, and hidden when the provider repeats it in an error', async () => {
      const answers: ((asked: Asked) => Reply)[] = [
        (asked) => ({ status: 401, body: { message: `the key is wrong: ${echoOf(asked)}` } }),
        (asked) => ({ status: 500, body: [echoOf(asked)], headers: { 'retry-after': '7' } }),
        (asked) => ({ body: { error: `quota: ${echoOf(asked)}` } }),
        (asked) => ({ body: 'no', headers: { 'content-type': `text/${echoOf(asked)}` } }),
        () => ({ body: { reviews: numbered(1) } }),
      ]
      await using provider = await openProvider((asked, n) => answers[n - 1]?.(asked) ?? {})
      const place = createPlace()
      await using poll = await place.open({ url: provider.url + query, ...settings, ...products })
      const failed = await poll.next()
      await failed.ack()
      const strange = await poll.next()
      await strange.ack()
      const good = await poll.next()
      await good.ack()
      for (const asked of provider.asked)
        assert.ok(FORMS.slice(0, 2).some((form) => echoOf(asked).includes(form)))
      assert.equal(place.log.filter(({ message }) => /found/.test(message)).length, 4)
      const contexts = [...failed.items, ...strange.items, ...good.items].map(({ context }) => context)
      assert.match(contexts[0]?.failure ?? '', /^quota: .*\*\*\*/)
      assert.match(contexts[1]?.unreadable ?? '', /a body of text\/.*\*\*\*/)
      assert.equal(place.troubles.filter((words) => /\*\*\*/.test(String(words))).length, 4)
      assertHidden(await written(place, contexts))
    })

    test('is not saved with a link that repeats it, and is sent with it all the same', async () => {
      await using provider = await openProvider(({ params, headers }, n) => {
        const key = params.get('api_key') ?? headers['x-api-key']
        const repeated =
          n % 2 === 1 ? `&${new URLSearchParams({ ...(key && { api_key: String(key) }) }).toString()}` : ''
        return { body: { reviews: numbered(n), next: `?cursor=${n}${repeated}` } }
      })
      const place = createPlace()
      const more = { paging: { kind: 'next-link', next: '/next' } }
      const contexts: object[] = []
      for (let restart = 0; restart < 4; restart++) {
        await using poll = await place.open({ url: provider.url + query, ...settings, ...products, ...more })
        const batch = await poll.next()
        await batch.ack()
        contexts.push(...batch.items.map(({ context }) => context))
      }
      assert.deepEqual(
        provider.asked.map(({ params }) => params.get('cursor')),
        [null, '1', '2', '3'],
      )
      if (where !== 'a parameter of another name' && !where.includes('with the product')) {
        for (const asked of provider.asked)
          assert.ok(FORMS.slice(0, 2).some((form) => echoOf(asked).includes(form)))
      }
      assertHidden(await written(place, contexts))
    })
  })
}

test('a link that holds a secret where it can not be taken out is not saved', async () => {
  for (const link of [`/${KEY}/2`, `?q=is:${KEY}`, `?q=${encodeURIComponent(`is:${KEY}`)}`]) {
    await using provider = await openProvider((_, n) => ({ body: { reviews: numbered(n), next: link } }))
    const place = createPlace()
    await using poll = await place.open({
      url: provider.url,
      headers: { 'x-api-key': KEY },
      paging: { kind: 'next-link', next: '/next' },
    })
    await poll.take(2)
    assert.match(place.log[0]?.message ?? '', /a link to a next page, found one with a secret of the config/)
    assertHidden(await written(place, []))
  }
})

test('of a URL only the product and the page are shown', async () => {
  await using provider = await openProvider(() => ({ body: { reviews: numbered(1) } }))
  const place = createPlace()
  await using poll = await place.open({
    url: `${provider.url}/v1/{product}?shop=mine&asin={product}`,
    params: { token: '{product}', lang: 'en', key: 'abc' },
    paging: { kind: 'offset', param: 'skip', sizeParam: 'limit', size: 5 },
    products: ['B 1'],
  })
  const { items } = await poll.next()
  assert.equal(items[0]?.context.from, `${provider.url}/v1/B%201?asin=B+1&token=B+1&skip=0&limit=5`)
})

test('short values that could be anything are not hidden in what a provider says', () => {
  const config = httpPoll.config.parse({
    url: 'https://api.example.com',
    params: { code: 'US', lang: 'en', key: 'abcd', shop: 'acme-shoes' },
  })
  const secrets = createSecrets(config)
  assert.equal(secrets.scrub('USER en abcd acme-shoes'), 'USER en *** ***')
  assert.deepEqual(
    ['en', 'abcd', 'acme-shoes'].map((value) => secrets.has(value)),
    [false, true, true],
  )
  assert.deepEqual(
    ['x acme-shoes', 'x abcd'].map((text) => secrets.areIn(text)),
    [false, false],
  )
})
