import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openProvider, type Reply } from '../../support/provider.ts'
import { createPlace, DAY, numbered, type Place } from './http-poll-harness.ts'

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

test('a wait of more than a day is a day, in every form', async () => {
  for (const headers of [{ ratelimit: '"monthly";r=0;t=999999' }, { 'retry-after': '999999' }]) {
    await using provider = await openProvider((_, n) => ({ ...page(n), ...(n === 1 && { headers }) }))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url })
    await poll.take(2)
    assert.equal(total(place), DAY)
  }
})
