import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import { steady } from '../../../src/sources/http/pace.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { openProvider, type Provider } from '../../support/provider.ts'
import { createPlace, DAY, numbered, textsOf, textsWith } from './http-poll-harness.ts'

/** Five pages of one review each. */
const fivePages = () =>
  openProvider(({ params }) => {
    const page = Number(params.get('page'))
    return { body: { reviews: page <= 5 ? numbered(page) : [] } }
  })
const paging = { kind: 'page', param: 'page', max: 5 }
const pagesOf = ({ asked }: Provider): (string | null)[] => asked.map(({ params }) => params.get('page'))

describe('a crawl', () => {
  test('goes on at the first page that was not acknowledged', async () => {
    await using provider = await fivePages()
    const place = createPlace()
    const settings = { url: provider.url, paging }
    {
      await using poll = await place.open(settings)
      await poll.take(2)
      assert.deepEqual(textsOf(await poll.next()), textsWith(3))
    }
    await using poll = await place.open(settings)
    assert.deepEqual(await poll.take(3), [textsWith(3), textsWith(4), textsWith(5)])
    assert.deepEqual(pagesOf(provider), ['1', '2', '3', '3', '4', '5'])
  })

  test('saves nothing before a page is acknowledged, nor behind a gap', async () => {
    await using provider = await fivePages()
    const place = createPlace()
    const settings = { url: provider.url, paging }
    {
      await using poll = await place.open(settings)
      await poll.next()
      const second = await poll.next()
      await second.ack()
      assert.equal(await place.saved(), undefined)
    }
    await using poll = await place.open(settings)
    assert.deepEqual(await poll.take(1), [textsWith(1)])
  })

  test('saves nothing any more once the source is disposed', async () => {
    await using provider = await fivePages()
    const place = createPlace()
    const poll = await place.open({ url: provider.url, paging })
    const batch = await poll.next()
    await poll[Symbol.asyncDispose]()
    await batch.ack()
    assert.equal(await place.saved(), undefined)
  })

  test('that is done is not begun again before its time, also after a restart', async () => {
    await using provider = await fivePages()
    const place = createPlace()
    const settings = { url: provider.url, paging, everyMs: '1h' }
    {
      await using poll = await place.open(settings)
      await poll.take(5)
    }
    place.now += 20 * 60_000
    await using poll = await place.open(settings)
    assert.deepEqual(await poll.take(1), [textsWith(1)])
    assert.equal(
      place.slept.reduce((sum, ms) => sum + ms),
      40 * 60_000,
    )
  })

  test('of a shorter every begins in that time', async () => {
    await using provider = await fivePages()
    const place = createPlace()
    {
      await using poll = await place.open({ url: provider.url, everyMs: '7d' })
      await poll.take(1)
    }
    await using poll = await place.open({ url: provider.url, everyMs: '10s' })
    await poll.take(1)
    assert.deepEqual(place.slept, [10_000])
  })

  test('of something else begins at the first page; with another key it goes on', async () => {
    await using provider = await fivePages()
    const base = {
      url: provider.url,
      paging,
      params: { api_key: 'one', sort: 'recent' },
      headers: { 'x-trace': 'a' },
    }
    const pageAfter = async (change: object): Promise<string | null | undefined> => {
      const place = createPlace()
      {
        await using poll = await place.open(base)
        await poll.take(2)
      }
      await using poll = await place.open({ ...base, ...change })
      await poll.take(1)
      return pagesOf(provider).at(-1)
    }
    assert.equal(await pageAfter({}), '3')
    assert.equal(await pageAfter({ params: { ...base.params, api_key: 'two' } }), '3')
    assert.equal(await pageAfter({ headers: { 'x-trace': 'b' } }), '3')
    assert.equal(await pageAfter({ url: `${provider.url}?api_key=three` }), '3')
    assert.equal(await pageAfter({ params: { ...base.params, sort: 'helpful' } }), '1')
    assert.equal(await pageAfter({ url: `${provider.url}/other` }), '1')
    assert.equal(await pageAfter({ paging: { ...paging, max: 4 } }), '1')
    assert.equal(await pageAfter({ method: 'POST', body: '{}' }), '1')
  })

  test('of each product has a place of its own', async () => {
    await using provider = await openProvider(({ params }) => ({
      body: { reviews: numbered(`${params.get('asin')}${params.get('page')}`) },
    }))
    const place = createPlace()
    const settings = { url: provider.url, params: { asin: '{product}' }, paging }
    {
      await using poll = await place.open({ ...settings, products: ['A', 'B/C'] })
      assert.deepEqual(await poll.take(3), [textsWith('A1'), textsWith('B/C1'), textsWith('A2')])
    }
    await using poll = await place.open({ ...settings, products: ['B/C', 'D', 'A'] })
    assert.deepEqual(await poll.take(3), [textsWith('B/C2'), textsWith('D1'), textsWith('A3')])
  })

  test('that ends with nothing new is saved without a batch, however long the registry is away', async () => {
    await using provider = await openProvider(() => ({ body: { reviews: [] } }))
    const place = createPlace()
    const saved = Promise.withResolvers<void>()
    let failures = 0
    const registry: Registry = {
      ...place.registry,
      async compareAndSet(name, revision, value) {
        const isPlace = name.startsWith('checkpoint/') && value.toString().includes('"page":1')
        if (isPlace && failures++ < 2) throw new TransientError('DISK_FULL', 'no room')
        const isSet = await place.registry.compareAndSet(name, revision, value)
        if (isPlace) saved.resolve()
        return isSet
      },
    }
    await using poll = await place.open({ url: provider.url, everyMs: '1h' }, { registry })
    await poll.quietUntil(saved.promise)
    assert.partialDeepStrictEqual(await place.saved(), { place: { page: 1 } })
    assert.deepEqual(
      place.log.map(({ level, message }) => `${level} ${message}`),
      Array(2).fill('warn no room; trying again'),
    )
    assert.deepEqual(place.troubles, ['no room', undefined])
  })

  test('belongs to one process at a time, and another goes on from what was saved', async () => {
    await using provider = await fivePages()
    const place = createPlace()
    const mine = await place.open({ url: provider.url, paging })
    await mine.take(1)
    const batch = await mine.next()
    await using other = await place.open({ url: provider.url, paging })
    const next = other.next()
    await mine[Symbol.asyncDispose]()
    const again = await next
    assert.deepEqual(textsOf(again), textsWith(2))
    await batch.ack()
    await again.ack()
    assert.partialDeepStrictEqual(await place.saved(), { place: { page: 3 } })
  })
})

describe('a clock', () => {
  test('that is set back by years delays a crawl by a minute at most', async () => {
    await using provider = await openProvider((_, n) => ({ body: { reviews: numbered(n) } }))
    const place = createPlace()
    const settings = { url: provider.url, everyMs: '10m' }
    await using poll = await place.open(settings)
    await poll.take(1)
    place.now -= 1_000 * DAY
    await poll.take(2)
    assert.ok(place.slept.reduce((sum, ms) => sum + ms) <= 2 * 10 * 60_000 + 60_000)
  })

  test('that was years ahead when a crawl was saved delays the next by no more than every', async () => {
    await using provider = await openProvider((_, n) => ({ body: { reviews: numbered(n) } }))
    const place = createPlace()
    const settings = { url: provider.url, everyMs: '10m' }
    const rightNow = place.now
    place.now += 1_000 * DAY
    {
      await using poll = await place.open(settings)
      await poll.take(1)
    }
    place.now = rightNow
    await using poll = await place.open(settings)
    await poll.take(2)
    assert.ok(place.slept.reduce((sum, ms) => sum + ms) <= 2 * 10 * 60_000)
  })

  test('that is steady goes on from the time it had', () => {
    let behind = 100
    const now = steady(() => behind)
    const at = (time: number): number => {
      behind = time
      return now()
    }
    assert.deepEqual([at(110), at(50), at(60), at(55), at(56), at(200)], [110, 110, 120, 120, 121, 265])
  })
})
