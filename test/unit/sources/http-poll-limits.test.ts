import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openProvider, type Reply } from '../../support/provider.ts'
import { createPlace, DAY, numbered, type Place, textsWith } from './http-poll-harness.ts'

const HOUR = 3_600_000
const page = (...ids: readonly (number | string)[]): Reply => ({ body: { reviews: numbered(...ids) } })
const total = ({ slept }: Place): number => slept.reduce((sum, ms) => sum + ms, 0)

/** Every way to say: not before that time. A day and more is a day. */
const FORMS: Record<string, (at: number, now: number) => Record<string, string>> = {
  'Retry-After in seconds': (at, now) => ({ 'retry-after': `${(at - now) / 1_000}` }),
  'Retry-After as IMF-fixdate': (at) => ({ 'retry-after': new Date(at).toUTCString() }),
  'Retry-After as RFC 850': (at) => ({
    'retry-after': new Date(at).toUTCString().replace(/^\w+, (\d+) (\w+) \d\d(\d\d)/, 'Thursday, $1-$2-$3'),
  }),
  'Retry-After as asctime': (at) => ({
    'retry-after': new Date(at)
      .toUTCString()
      .replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT/, '$1 $3 $2 $5 $4'),
  }),
  RateLimit: (at, now) => ({ ratelimit: `"default";r=0;t=${(at - now) / 1_000}` }),
  'RateLimit of a whole window': (at, now) => ({
    ratelimit: '"default";r=0',
    'ratelimit-policy': `"default";q=10;w=${(at - now) / 1_000}`,
  }),
  'RateLimit-Remaining and -Reset': (at, now) => ({
    'ratelimit-remaining': '0',
    'ratelimit-reset': `${(at - now) / 1_000}`,
  }),
  'X-RateLimit-Reset as a delta': (at, now) => ({
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': `${(at - now) / 1_000}`,
  }),
  'X-RateLimit-Reset in seconds since 1970': (at) => ({
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': `${at / 1_000}`,
  }),
  'X-RateLimit-Reset in milliseconds since 1970': (at) => ({
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': `${at}`,
  }),
}

/** Says with the first answer, whatever that is, that an hour is to be waited; good pages follow. */
async function openWaiting(place: Place, form: string, first: Reply) {
  const times: number[] = []
  const provider = await openProvider(({ path }, n) => {
    times.push(place.now)
    if (n > 1) return page(`${path}${n}`)
    const headers = { date: new Date(place.now).toUTCString(), ...FORMS[form]?.(place.now + HOUR, place.now) }
    return { ...first, headers: { ...first.headers, ...headers } }
  })
  return { provider, times }
}

for (const form of Object.keys(FORMS)) {
  describe(form, () => {
    for (const [what, first] of [
      ['429', { status: 429 }],
      ['402', { status: 402 }],
      ['503', { status: 503 }],
      ['202', { status: 202 }],
      ['a redirect', { status: 302, headers: { location: '/there' } }],
      ['a good page', page('first')],
    ] as const) {
      test(`with ${what} is waited for before anything else is asked`, async () => {
        const place = createPlace()
        const { provider, times } = await openWaiting(place, form, first)
        await using _ = provider
        await using poll = await place.open({ url: `${provider.url}/{product}`, products: ['a', 'b'] })
        await poll.take(2)
        assert.equal((times[1] ?? 0) - (times[0] ?? 0), HOUR)
      })
    }

    test('is waited for across a restart', async () => {
      const place = createPlace()
      const { provider, times } = await openWaiting(place, form, page('first'))
      await using _ = provider
      const settings = { url: `${provider.url}/{product}`, products: ['a', 'b'] }
      {
        await using poll = await place.open(settings)
        await poll.take(1)
        await poll.quietUntil(place.freeze())
      }
      await using poll = await place.open(settings)
      await poll.take(1)
      assert.equal((times[1] ?? 0) - (times[0] ?? 0), HOUR)
    })
  })
}

test('a limit of which something remains is nothing to wait for', async () => {
  const headers = {
    ratelimit: '"default";r=1;t=3600',
    'x-ratelimit-remaining': '1',
    'x-ratelimit-reset': '3600',
  }
  await using provider = await openProvider((_, n) => ({ ...page(n), headers }))
  const place = createPlace()
  await using poll = await place.open({ url: `${provider.url}/{product}`, products: ['a', 'b', 'c'] })
  await poll.take(3)
  assert.equal(total(place), 0)
})

test('a limit that is spent for more than a few minutes is told as trouble until it is over', async () => {
  await using provider = await openProvider((_, n) => ({
    ...page(n),
    ...(n === 1 && { headers: { ratelimit: '"daily";r=0;t=40000' } }),
  }))
  const place = createPlace()
  await using poll = await place.open({ url: provider.url })
  await poll.take(1)
  assert.deepEqual(place.troubles, ['the provider asked to wait'])
  await poll.take(1)
  assert.deepEqual(place.troubles, ['the provider asked to wait', undefined])
})

test('what one process is told to wait holds for the others of the same source', async () => {
  const place = createPlace()
  const times: number[] = []
  await using provider = await openProvider(({ path }) => {
    times.push(place.now)
    return path === '/a' ? { status: 429, headers: { 'retry-after': '3600' } } : page(path)
  })
  const url = `${provider.url}/{product}`
  await using one = await place.open({ url, products: ['a'] })
  await using other = await place.open({ url, products: ['b'], everyMs: '1s' })
  await other.take(1)
  await one.quietUntil(place.freeze())
  await using reopened = await place.open({ url, products: ['c'] })
  await Promise.all([other.take(1), reopened.take(1)])
  const [, told = 0, ...later] = times
  assert.ok(later.length >= 2)
  assert.deepEqual(
    later.map((at) => at - told >= HOUR),
    later.map(() => true),
  )
})

describe('the circuit breaker', () => {
  /** A provider that refuses while `isAngry`, and when it was asked. */
  async function openAngry(place: Place, status: number) {
    const times: number[] = []
    const mood = { isAngry: true }
    const provider = await openProvider(({ path }, n) => {
      times.push(place.now)
      return mood.isAngry ? { status } : page(`${path}${n}`)
    })
    return { provider, times, mood }
  }

  const mostWithin = (times: readonly number[], ms: number): number =>
    Math.max(...times.map((start) => times.filter((at) => at >= start && at < start + ms).length))

  for (const status of [429, 503, 401]) {
    test(`opens after five quick failures with ${status}, and lets one probe through each five minutes`, async () => {
      const place = createPlace()
      place.random = 0
      const { provider, times, mood } = await openAngry(place, status)
      await using _ = provider
      const products = Array.from({ length: 50 }, (_, n) => `p${n}`)
      await using poll = await place.open({ url: `${provider.url}/{product}`, products })
      const first = poll.take(1)
      const end = place.now + 2 * HOUR
      while (place.now < end) await new Promise(setImmediate)
      mood.isAngry = false
      await first
      assert.ok(mostWithin(times, 5 * 60_000) <= 5, `${mostWithin(times, 5 * 60_000)} within five minutes`)
      assert.ok(times.length >= 2 * 12, `${times.length} in two hours: it goes on to ask`)
      const before = times.length
      await poll.take(30)
      assert.equal(times.length, before + 30, 'one good answer closes it')
    })
  }

  test('stays open over restarts, and counts the failures of runs that end early', async () => {
    const place = createPlace()
    place.random = 0
    const { provider, times } = await openAngry(place, 429)
    await using _ = provider
    const start = place.now
    for (let run = 0; run < 20; run++) {
      await using poll = await place.open({ url: provider.url })
      place.log.length = 0
      const hasFailed = async (): Promise<void> => {
        while (times.length <= run || place.log.length === 0) await new Promise(setImmediate)
      }
      await poll.quietUntil(run < 5 ? hasFailed() : place.freeze())
    }
    assert.equal(times.length, 5)
    assert.equal(place.now, start)
    await using _poll = await place.open({ url: provider.url })
    assert.deepEqual(place.troubles.slice(-1), ['the circuit breaker is open'])
    assert.match(place.log.at(-1)?.message ?? '', /^the circuit breaker is open; asked again in 5 min/)
  })

  test('says so in the words of the trouble, once', async () => {
    const place = createPlace()
    place.random = 0
    const { provider, mood } = await openAngry(place, 429)
    await using _ = provider
    await using poll = await place.open({ url: provider.url })
    const first = poll.take(1)
    while (place.now < Date.UTC(2026, 0, 1) + HOUR) await new Promise(setImmediate)
    mood.isAngry = false
    await first
    const words = place.troubles.filter((told) => String(told).endsWith('(the circuit breaker is open)'))
    assert.equal(words.length, 1)
    assert.equal(place.troubles.at(-1), undefined)
  })

  test('opens for what asks too much also where every second answer is good, and for other failures not', async () => {
    for (const [status, isOpen] of [
      [429, true],
      [500, false],
    ] as const) {
      const place = createPlace()
      place.random = 0
      await using provider = await openProvider(({ path }, n) =>
        n % 2 === 1 ? { status } : page(`${path}${n}`),
      )
      await using poll = await place.open({
        url: `${provider.url}/{product}`,
        products: ['a', 'b', 'c'],
        everyMs: '1s',
      })
      await poll.take(12)
      assert.equal(Math.max(...place.slept) >= 60_000, isOpen, `${status}: ${place.slept.join()}`)
    }
  })

  test('lets one probe through also where several wait for their turn at the host', async () => {
    const place = createPlace()
    place.random = 0
    const { provider, times, mood } = await openAngry(place, 429)
    await using _ = provider
    const products = Array.from({ length: 20 }, (_, n) => `p${n}`)
    const settings = { url: `${provider.url}/{product}`, products, concurrency: 4, maxPerHost: 2 }
    await using poll = await place.open(settings)
    const start = place.now
    const first = poll.take(1)
    while (place.now < start + 2 * HOUR) await new Promise(setImmediate)
    mood.isAngry = false
    await first
    assert.ok(
      mostWithin(times, 5 * 60_000) <= 9,
      `${mostWithin(times, 5 * 60_000)}: as many more as may wait`,
    )
    const probes = times.filter((at) => at >= start + 5 * 60_000 && at < start + 2 * HOUR)
    assert.equal(mostWithin(probes, 5 * 60_000), 1)
  })

  test('lets no second request through before the first came back well, however many may be under way', async () => {
    const place = createPlace()
    place.random = 0
    let isAngry = true
    let probes = 0
    const answered = Promise.withResolvers<Reply>()
    await using provider = await openProvider(({ path }) => {
      if (isAngry) return { status: 429 }
      probes++
      return probes === 1 ? answered.promise : page(path)
    })
    const products = Array.from({ length: 20 }, (_, n) => `p${n}`)
    await using poll = await place.open({ url: `${provider.url}/{product}`, products, concurrency: 4 })
    const taken = poll.take(20)
    while (place.now < Date.UTC(2026, 0, 1) + HOUR) await new Promise(setImmediate)
    isAngry = false
    while (probes === 0) await new Promise(setImmediate)
    const then = place.now
    for (let turns = 0; turns < 200; turns++) await new Promise(setImmediate)
    assert.equal(probes, 1)
    answered.resolve(page('probe'))
    await taken
    assert.ok(place.now - then < 5 * 60_000, 'the others follow at once')
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

test('a wait of more than a day is a day, in every form', async () => {
  for (const headers of [{ ratelimit: '"monthly";r=0;t=999999' }, { 'retry-after': '999999' }]) {
    await using provider = await openProvider((_, n) => ({ ...page(n), ...(n === 1 && { headers }) }))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url })
    await poll.take(2)
    assert.equal(total(place), DAY)
  }
})
