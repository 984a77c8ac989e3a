import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openProvider, type Reply } from '../../support/provider.ts'
import { createPlace, numbered, type Place, textsWith } from './http-poll-harness.ts'

const HOUR = 3_600_000
const page = (...ids: readonly (number | string)[]): Reply => ({ body: { reviews: numbered(...ids) } })
const total = ({ slept }: Place): number => slept.reduce((sum, ms) => sum + ms, 0)

describe('several products at once', () => {
  test('are asked for as many as may be, and one page at a time of each', async () => {
    const underWay = new Map<string, number>()
    let most = 0
    await using provider = await openProvider(async ({ path, params }) => {
      underWay.set(path, (underWay.get(path) ?? 0) + 1)
      assert.equal(underWay.get(path), 1)
      most = Math.max(
        most,
        [...underWay.values()].reduce((sum, count) => sum + count),
      )
      for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
      underWay.set(path, 0)
      return page(`${path}${params.get('page')}`)
    })
    await using poll = await createPlace().open({
      url: `${provider.url}/{product}`,
      products: ['a', 'b', 'c', 'd', 'e'],
      concurrency: 3,
      everyMs: '1h',
      paging: { kind: 'page', param: 'page', max: 4 },
    })
    const texts = (await poll.take(20)).flat()
    assert.equal(most, 3)
    for (const product of ['a', 'b', 'c', 'd', 'e']) {
      const own = texts.filter((text) => text.includes(`/${product}`))
      assert.deepEqual(own, textsWith(...[1, 2, 3, 4].map((n) => `/${product}${n}`)))
    }
  })

  test('do not wait for one that is slow', async () => {
    const slow = Promise.withResolvers<Reply>()
    await using provider = await openProvider(({ path }, n) =>
      path === '/slow' ? slow.promise : page(`${path}${n}`),
    )
    await using poll = await createPlace().open({
      url: `${provider.url}/{product}`,
      products: ['slow', 'quick'],
      concurrency: 2,
      everyMs: '1s',
    })
    await poll.take(5)
    slow.resolve(page('slow'))
    while (!(await poll.take(1)).flat().includes('{"id":"slow"}'));
  })

  test('end with the reading, whatever is under way', async () => {
    await using provider = await openProvider(({ path }) =>
      path === '/a' ? page(1) : new Promise<Reply>(() => {}),
    )
    await using poll = await createPlace().open({
      url: `${provider.url}/{product}`,
      products: ['a', 'b', 'c'],
      concurrency: 3,
    })
    await poll.take(1)
    await poll.stop()
  })

  test('end with an error that nobody expected, and none is left without an ear', async () => {
    await using provider = await openProvider(() => page(1))
    const place = createPlace()
    const split = (): never => {
      throw new Error('a bug')
    }
    const settings = { url: `${provider.url}/{product}`, products: ['a', 'b', 'c'], concurrency: 3 }
    await using poll = await place.open(settings, { split })
    await assert.rejects(poll.next(), { message: 'a bug' })
  })
})

describe('several sources on one host', () => {
  test('share its rate', async () => {
    const place = createPlace()
    const times: number[] = []
    await using provider = await openProvider((_, n) => {
      times.push(place.now)
      return page(n)
    })
    const settings = { url: provider.url, everyMs: '1s' }
    await using one = await place.open({ ...settings, rate: { requests: 6, perMs: '1m' } }, { name: 'one' })
    await using other = await place.open(settings, { name: 'other' })
    for (let round = 0; round < 3; round++) {
      await one.take(1)
      await other.take(1)
    }
    const start = times[0] ?? 0
    assert.deepEqual(
      times.map((at) => at - start),
      [0, 10_000, 20_000, 30_000, 40_000, 50_000],
    )
  })

  test('share its concurrency', async () => {
    const place = createPlace()
    let underWay = 0
    let most = 0
    await using provider = await openProvider(async ({ path }, n) => {
      most = Math.max(most, ++underWay)
      for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
      underWay--
      return page(`${path}${n}`)
    })
    const settings = {
      url: `${provider.url}/{product}`,
      products: ['a', 'b', 'c', 'd'],
      concurrency: 4,
      maxPerHost: 3,
    }
    await using one = await place.open(settings, { name: 'one' })
    await using other = await place.open(settings, { name: 'other' })
    await Promise.all([one.take(4), other.take(4)])
    assert.equal(most, 3)
  })

  test('hold back what waits for its turn there, once the provider asked to wait', async () => {
    const place = createPlace()
    const times: number[] = []
    await using provider = await openProvider(({ path }, n) => {
      times.push(place.now)
      return { ...page(path), ...(n === 1 && { headers: { ratelimit: '"default";r=0;t=3600' } }) }
    })
    const products = ['a', 'b', 'c', 'd']
    const settings = { url: `${provider.url}/{product}`, products, concurrency: 4, maxPerHost: 1 }
    await using poll = await place.open(settings)
    await poll.take(4)
    assert.deepEqual(
      times.map((at) => at - (times[0] ?? 0)),
      [0, HOUR, HOUR, HOUR],
    )
  })

  test('count what a redirect costs', async () => {
    const place = createPlace()
    await using provider = await openProvider(({ path }) =>
      path === '/there' ? page(1) : { status: 302, headers: { location: '/there' } },
    )
    await using poll = await place.open({ url: provider.url, rate: { requests: 1, perMs: '10s' } })
    await poll.take(1)
    assert.equal(total(place), 10_000)
  })
})
