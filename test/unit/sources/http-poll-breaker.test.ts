import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openProvider, type Reply } from '../../support/provider.ts'
import { createPlace, numbered, type Place } from './http-poll-harness.ts'

const HOUR = 3_600_000
const page = (...ids: readonly (number | string)[]): Reply => ({ body: { reviews: numbered(...ids) } })

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
    const { provider, times } = await openAngry(place, 429)
    await using _ = provider
    const start = place.now
    for (let run = 0; run < 20; run++) {
      await using poll = await place.open({ url: provider.url })
      await poll.quietUntil(place.freeze())
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

  test('is closed by a probe that is told to wait, for as long as that is told and no longer', async () => {
    const place = createPlace()
    place.random = 0
    const times: number[] = []
    await using provider = await openProvider((_, n) => {
      times.push(place.now)
      if (n <= 5) return { status: 503 }
      return { ...page(n), ...(n === 6 && { headers: { ratelimit: '"default";r=0;t=20' } }) }
    })
    await using poll = await place.open({ url: `${provider.url}/{product}`, products: ['a', 'b'] })
    await poll.take(2)
    const [probe = 0, next = 0] = times.slice(5)
    assert.equal(next - probe, 20_000)
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
