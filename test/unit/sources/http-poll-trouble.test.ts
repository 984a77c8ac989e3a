import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { backOff } from '../../../src/sources/http/pace.ts'
import { openProvider, type Reply } from '../../support/provider.ts'
import { createPlace, DAY, numbered, type Place, textsOf, textsWith } from './http-poll-harness.ts'

const paging = { kind: 'page', param: 'page', max: 3 }
const page = (...ids: readonly (number | string)[]): Reply => ({ body: { reviews: numbered(...ids) } })
const total = ({ slept }: Place): number => slept.reduce((sum, ms) => sum + ms, 0)
const told = ({ log }: Place): string[] =>
  log.filter(({ level }) => level !== 'debug').map(({ level, message }) => `${level} ${message}`)

describe('back-off', () => {
  test('draws anything up to a bound that doubles, up to five minutes', () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2_000].map((failures) => backOff(failures, () => 1))
    assert.deepEqual(
      bounds.map((ms) => ms / 1_000),
      [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300],
    )
    assert.equal(
      backOff(20, () => 0),
      0,
    )
    assert.equal(
      backOff(3, () => 0.25),
      1_000,
    )
  })

  test('lasts until the page comes; the page is asked for again, and the count begins anew', async () => {
    const answers: Reply[] = [
      page(1),
      { status: 500 },
      { status: 503 },
      { status: 429 },
      page(2),
      { status: 502 },
      page(3),
    ]
    await using provider = await openProvider((_, n) => answers[n - 1] ?? page('more'))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url, paging })
    assert.deepEqual(await poll.take(3), [textsWith(1), textsWith(2), textsWith(3)])
    assert.deepEqual(
      provider.asked.map(({ params }) => params.get('page')),
      ['1', '2', '2', '2', '2', '3', '3'],
    )
    assert.deepEqual(place.slept, [1_000, 2_000, 4_000, 1_000])
    assert.deepEqual(told(place), [
      `warn expected a page from ${provider.url}/?page=2, found 500 Internal Server Error: the provider is unwell; asked again in 1 s`,
      'info the provider answers again',
      `warn expected a page from ${provider.url}/?page=3, found 502 Bad Gateway: the provider is unwell; asked again in 1 s`,
      'info the provider answers again',
    ])
  })

  test('of one product that fails does not hold up the others for long, and grows for that one', async () => {
    await using provider = await openProvider(({ path }, n) =>
      path === '/bad' ? { status: 500 } : page(`${path}${n}`),
    )
    const place = createPlace()
    await using poll = await place.open({
      url: `${provider.url}/{product}`,
      everyMs: '20s',
      products: ['bad', 'good'],
    })
    await poll.take(30)
    const bad = provider.asked.filter(({ path }) => path === '/bad').length
    assert.ok(bad <= 10, `${bad} of ${provider.asked.length} requests for the product that fails`)
    assert.ok(total(place) <= 30 * 20_000 + bad * 1_000, `${total(place)} ms`)
  })

  test('holds for all products where the provider itself is unwell', async () => {
    await using provider = await openProvider(({ path }, n) => (n <= 4 ? { status: 503 } : page(path)))
    const place = createPlace()
    await using poll = await place.open({ url: `${provider.url}/{product}`, products: ['a', 'b', 'c'] })
    await poll.take(1)
    assert.deepEqual(place.slept.slice(0, 3), [1_000, 2_000, 4_000])
    assert.deepEqual(
      told(place).map((line) => line.split(' ')[0]),
      ['warn', 'info'],
      'told once, not for each product',
    )
  })
})

describe('the source is in trouble', () => {
  test('in the words of each error, until the page comes', async () => {
    const answers: Reply[] = [{ status: 500 }, { status: 500 }, { status: 429 }, { body: '<html>' }]
    await using provider = await openProvider((_, n) => answers[n - 1] ?? page(n))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url })
    await poll.take(1)
    const url = `${provider.url}/`
    const told = [
      `expected a page from ${url}, found 500 Internal Server Error: the provider is unwell`,
      `expected a page from ${url}, found 429 Too Many Requests: the provider asks for fewer requests; if it lasts, raise every or set rate`,
      'expected JSON, found a body of text/html that is none',
    ]
    assert.deepEqual(place.troubles, told, 'what is handed over from a bad page does not end it')
    await poll.take(1)
    assert.deepEqual(place.troubles, [...told, undefined])
  })

  test('while one product is, though all others are well', async () => {
    let isGone = true
    await using provider = await openProvider(({ path }, n) => {
      return isGone && path !== '/well' ? { status: 404 } : page(`${path}${n}`)
    })
    const place = createPlace()
    const products = ['gone', 'well', 'lost']
    await using poll = await place.open({ url: `${provider.url}/{product}`, everyMs: '1s', products })
    await poll.take(30)
    const words = (product: string): string =>
      `expected a page from ${provider.url}/${product}, found 404 Not Found: check url and the product`
    assert.deepEqual(place.troubles, [words('gone'), `${words('gone')} (and 1 more in trouble)`])
    isGone = false
    place.now += 60_000
    await poll.take(3)
    assert.deepEqual(place.troubles.slice(2), [words('lost'), undefined])
  })

  test('from the start where the provider asked an earlier run to wait', async () => {
    await using provider = await openProvider((_, n) =>
      n === 1 ? { status: 429, headers: { 'retry-after': '3600' } } : n === 2 ? { status: 503 } : page(n),
    )
    const place = createPlace()
    {
      await using poll = await place.open({ url: provider.url })
      await poll.quietUntil(place.freeze())
    }
    place.troubles.length = 0
    await using poll = await place.open({ url: provider.url })
    assert.deepEqual(place.troubles.splice(0), ['the provider asked to wait'])
    await poll.take(1)
    assert.ok(!place.troubles.slice(0, -1).includes(undefined), 'it is never well meanwhile')
    assert.match(String(place.troubles.at(-2)), /^expected a page from .*, found 503/)
    assert.equal(place.troubles.at(-1), undefined)
  })
})

describe('a provider that asks to wait', () => {
  test('is left alone for so long by all products, after 429 and 503 alike', async () => {
    for (const status of [429, 503]) {
      await using provider = await openProvider(({ path }, n) =>
        n === 1 ? { status, headers: { 'retry-after': '3600' } } : page(path),
      )
      const place = createPlace()
      await using poll = await place.open({ url: `${provider.url}/{product}`, products: ['a', 'b'] })
      await poll.take(1)
      assert.equal(total(place), 3_600_000)
    }
  })

  test('is left alone across a restart, whatever product is next', async () => {
    await using provider = await openProvider(({ path }, n) =>
      n === 1 ? { status: 429, headers: { 'retry-after': '7200' } } : page(path),
    )
    const place = createPlace()
    const url = `${provider.url}/{product}`
    {
      await using poll = await place.open({ url, products: ['a'] })
      await poll.quietUntil(place.freeze())
    }
    place.now += 1_800_000
    await using poll = await place.open({ url, products: ['b'] })
    await poll.take(1)
    assert.equal(total(place), 7_200_000 - 1_800_000)
    assert.deepEqual(
      provider.asked.map(({ path }) => path),
      ['/a', '/b'],
    )
  })

  test('by a clock that is put right meanwhile, or for ever, is believed for a day at most', async () => {
    await using provider = await openProvider((_, n) =>
      n === 1 ? { status: 429, headers: { 'retry-after': '99999999999999' } } : page(n),
    )
    const place = createPlace()
    {
      await using poll = await place.open({ url: provider.url })
      await poll.take(1)
      assert.equal(total(place), DAY)
    }
    place.slept.length = 0
    place.now -= 400 * DAY
    await using poll = await place.open({ url: provider.url })
    await poll.take(1)
    assert.ok(total(place) <= DAY)
  })

  test('for no time at all is backed off from all the same', async () => {
    await using provider = await openProvider((_, n) =>
      n <= 3 ? { status: 503, headers: { 'retry-after': '0' } } : page(n),
    )
    const place = createPlace()
    await using poll = await place.open({ url: `${provider.url}/{product}`, products: ['a', 'b', 'c', 'd'] })
    await poll.take(1)
    assert.deepEqual(place.slept, [1_000, 2_000, 4_000])
  })
})

describe('a provider that refuses', () => {
  for (const [status, advice] of [
    [400, /compare url, params and body/],
    [401, /check the key/],
    [402, /check the credit/],
    [403, /check the key.* allowed to see/],
    [404, /check url and the product/],
    [418, /check url, method and params/],
  ] as const) {
    test(`with ${status} is asked again at a slow pace, and a person is told what to do`, async () => {
      await using provider = await openProvider((_, n) =>
        n <= 2 ? { status, body: { message: 'no\nway' } } : page(n),
      )
      const place = createPlace()
      await using poll = await place.open({ url: provider.url, everyMs: '10s' })
      assert.deepEqual(await poll.take(1), [textsWith(3)])
      assert.equal(total(place), 2 * 60_000)
      const [first, ...more] = told(place)
      assert.match(first ?? '', advice)
      assert.match(first ?? '', /^error expected a page from .*\("?\{?.*no\\?n? ?way/)
      assert.deepEqual(more, ['info the provider answers again'])
    })
  }

  test('the same page five times is asked from the beginning: its cursor may have expired', async () => {
    await using provider = await openProvider(({ params }, n) => {
      const cursor = params.get('after')
      return cursor === 'old'
        ? { status: 400 }
        : { body: { reviews: numbered(n), next: n === 1 ? 'old' : `c${n}` } }
    })
    const place = createPlace()
    await using poll = await place.open({
      url: provider.url,
      paging: { kind: 'cursor', param: 'after', next: '/next' },
    })
    await poll.take(3)
    assert.deepEqual(
      provider.asked.map(({ params }) => params.get('after')),
      [null, ...Array<string>(5).fill('old'), null, 'c7'],
    )
    assert.ok(told(place).includes('warn no way past a page after 5 attempts; the crawl begins anew'))
  })

  test('the same page five times is asked from the beginning, also if each time by another process', async () => {
    await using provider = await openProvider(({ params }, n) =>
      params.get('after') === 'old' ? { status: 400 } : { body: { reviews: numbered(n), next: 'old' } },
    )
    const place = createPlace()
    const settings = { url: provider.url, paging: { kind: 'cursor', param: 'after', next: '/next' } }
    for (let start = 1; start <= 5; start++) {
      await using poll = await place.open(settings)
      if (start === 1) await poll.take(1)
      await poll.quietUntil(place.freeze())
    }
    await using poll = await place.open(settings)
    await poll.take(1)
    assert.deepEqual(
      provider.asked.map(({ params }) => params.get('after')),
      [null, ...Array<string>(5).fill('old'), null],
    )
  })

  test('the same page five times is asked from the beginning, also if the first page is as it was', async () => {
    await using provider = await openProvider(({ params }, n) =>
      params.get('after') === 'old'
        ? { status: 400 }
        : { headers: { etag: '"1"' }, body: { reviews: numbered(n), next: n === 1 ? 'old' : `c${n}` } },
    )
    const place = createPlace()
    await using poll = await place.open({
      url: provider.url,
      paging: { kind: 'cursor', param: 'after', next: '/next' },
    })
    await poll.take(2)
    const firstPages = provider.asked.filter(({ params }) => !params.has('after'))
    assert.deepEqual(
      firstPages.map(({ headers }) => headers['if-none-match']),
      [undefined, undefined],
    )
  })

  test('everything, such as a spent quota, finds the crawl where it was, however long that lasts', async () => {
    for (const reply of [{ status: 401 }, { status: 402 }, { body: '<html>Please log in</html>' }]) {
      await using provider = await openProvider(({ params }, n) =>
        n > 1 && n < 20 ? reply : page(`${params.get('page')}`),
      )
      const place = createPlace()
      await using poll = await place.open({ url: provider.url, paging })
      await poll.take(1)
      while (provider.asked.length < 20) {
        const batch = await poll.next()
        await batch.ack()
      }
      assert.deepEqual(
        provider.asked.map(({ params }) => params.get('page')),
        ['1', ...Array<string>(19).fill('2')],
      )
    }
  })
})

describe('a page that is not what it should be', () => {
  /** What is handed over and told where the second page is this one twice, and then a good one. */
  async function secondPageIs(reply: Reply) {
    await using provider = await openProvider(({ params }, n) =>
      n === 2 || n === 3 ? reply : page(`${params.get('page')}`),
    )
    const place = createPlace()
    await using poll = await place.open({ url: provider.url, paging })
    await poll.take(1)
    const batch = await poll.next()
    await batch.ack()
    assert.deepEqual(await poll.take(1), [textsOf(batch)], 'it comes again')
    const saved = await place.registry.get('checkpoint/shop/-')
    assert.match(String(saved?.value), /"place":{"page":2}/, 'the crawl stays')
    assert.deepEqual(await poll.take(1), [textsWith('2')], 'and goes on')
    assert.deepEqual(
      provider.asked.map(({ params }) => params.get('page')),
      ['1', '2', '2', '2'],
    )
    const kept = batch.items.map(({ raw, context: { unreadable, failure } }) => ({
      raw: raw.toString(),
      unreadable,
      failure,
    }))
    return { kept, told: told(place) }
  }

  test('is kept where it is a web page with status 200, and the crawl stays', async () => {
    const html = ' <html><title>We are closed</title></html>\n'
    const { kept, told } = await secondPageIs({ body: html })
    assert.deepEqual(kept, [
      { raw: html, unreadable: 'expected JSON, found a body of text/html that is none', failure: undefined },
    ])
    assert.match(told.join(), /^error expected JSON, found a body of text\/html/)
  })

  test('is kept where it says that it failed, and the crawl stays', async () => {
    const { kept, told } = await secondPageIs({ body: { error: 'quota\nexceeded' } })
    assert.deepEqual(kept, [
      { raw: '{"error":"quota\\nexceeded"}', unreadable: undefined, failure: 'quota\nexceeded' },
    ])
    assert.match(told.join(), /error expected reviews, found: quota exceeded; asked again/)
  })

  test('is kept where no reviews are in it, and the crawl stays', async () => {
    const { kept } = await secondPageIs({ body: { weather: 'fine' } })
    assert.equal(kept[0]?.raw, '{"weather":"fine"}')
    assert.match(kept[0]?.unreadable ?? '', /no reviews where listed has them/)
  })

  test('is kept as one where it is cut off, even in the middle of a list', async () => {
    const cut = '[{"reviews":[{"id":1}]},{"reviews":[{"id"'
    const { kept } = await secondPageIs({
      body: cut,
      headers: { 'content-type': 'application/json; charset=utf-8' },
    })
    assert.deepEqual(
      kept.map(({ raw, unreadable }) => [raw, unreadable]),
      [[cut, 'expected JSON, found a body of application/json that is none']],
    )
  })

  test('is kept as one where it holds more than a hundred thousand reviews', async () => {
    const { kept } = await secondPageIs({ body: { reviews: Array(100_001).fill(0) } })
    assert.equal(kept.length, 1)
    assert.match(kept[0]?.unreadable ?? '', /at most 100000 reviews on a page/)
  })

  test('is kept as one, in little memory, where it holds millions of values', async () => {
    const list = `{"reviews":[${'{},'.repeat(5 * 2 ** 20)}0]}`
    const before = process.memoryUsage().rss
    const { kept } = await secondPageIs({ body: list, headers: { 'content-type': 'application/json' } })
    assert.deepEqual([kept.length, kept[0]?.raw.length], [1, list.length])
    assert.match(kept[0]?.unreadable ?? '', /at most 2000000 values on a page, found more: ask for smaller/)
    const grown = process.memoryUsage().rss - before
    assert.ok(grown < 512 * 2 ** 20, `${grown} bytes`)
  })

  test('is kept beside others: one response that failed among good ones is passed', async () => {
    await using provider = await openProvider(() => ({
      body: [{ error: 'no such product' }, { reviews: numbered(1) }],
    }))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url })
    const batch = await poll.next()
    assert.deepEqual(
      batch.items.map(({ context: { failure } }) => failure),
      ['no such product', undefined],
    )
    assert.deepEqual(told(place), [])
  })

  test('is asked for again where nothing came that could be kept', async () => {
    await using provider = await openProvider((_, n) => (n === 1 ? { status: 200 } : page(n)))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url })
    assert.deepEqual(await poll.take(1), [textsWith(2)])
    assert.match(told(place)[0] ?? '', /^error expected JSON, found an empty body/)
  })

  test('is nothing at all, in order, with status 204', async () => {
    await using provider = await openProvider((_, n) => (n === 1 ? { status: 204 } : page(n)))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url, everyMs: '10m' })
    assert.deepEqual(await poll.take(1), [textsWith(2)])
    assert.deepEqual([told(place), total(place)], [[], 600_000])
  })

  test('is not ready yet with status 202', async () => {
    await using provider = await openProvider((_, n) =>
      n === 1 ? { status: 202, headers: { 'retry-after': '10' }, body: { status: 'building' } } : page(n),
    )
    const place = createPlace()
    await using poll = await place.open({ url: provider.url })
    assert.deepEqual(await poll.take(1), [textsWith(2)])
    assert.equal(total(place), 10_000)
    assert.match(told(place)[0] ?? '', /found 202 Accepted .*the provider is not ready yet/)
  })

  for (const [what, link] of [
    ['to another host', 'https://elsewhere.example/2'],
    ['that is none', 'http://'],
    ['that is no text', ['a']],
    ['that is too long', `?c=${'x'.repeat(9_000)}`],
  ] as const) {
    test(`keeps its reviews and stays where it links to a next page ${what}`, async () => {
      await using provider = await openProvider(() => ({ body: { reviews: numbered(1), next: link } }))
      const place = createPlace()
      await using poll = await place.open({
        url: provider.url,
        paging: { kind: 'next-link', next: '/next' },
      })
      assert.deepEqual(await poll.take(2), [textsWith(1), textsWith(1)])
      assert.equal(await place.saved(), undefined)
      assert.match(told(place)[0] ?? '', /^error expected a (link to a )?(next page|text)/)
    })
  }
})
