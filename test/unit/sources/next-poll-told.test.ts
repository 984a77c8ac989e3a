import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { throttledOf } from '../../../src/sources/http/throttle.ts'
import { nextPollOf } from '../../../src/sources/next-poll.ts'
import type { NextPoll } from '../../../src/sources/source.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { eventually } from '../../support/pipeline.ts'
import { openProvider } from '../../support/provider.ts'
import * as ofJobs from './http-job-harness.ts'
import * as ofPolls from './http-poll-harness.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

interface Where {
  readonly registry: Registry
  readonly now: number
}

/** Resolves when the source shows this state. */
function shown(place: Where, state: NextPoll['state']): Promise<NextPoll> {
  return eventually(async () => {
    const { registry, now } = place
    const providerUntil = (await throttledOf('shop', registry))?.until
    const next = await nextPollOf('shop', registry, { isPaused: false, providerUntil, now })
    return next?.state === state ? next : undefined
  }, `the next poll to be ${state}`)
}

const page = { body: { reviews: ofPolls.numbered(1) } }

describe('a source of polls tells that its next one', () => {
  const settings = { everyMs: '5m', leaseMs: '1s' }

  test('is under way, and when the one after that is planned', async () => {
    const answer = Promise.withResolvers<void>()
    await using provider = await openProvider(async () => {
      await answer.promise
      return page
    })
    const place = ofPolls.createPlace()
    const began = place.now
    await using poll = await place.open({ url: provider.url, ...settings })
    const batch = poll.next()
    await shown(place, 'now')
    answer.resolve()
    await (await batch).ack()
    void place.freeze()
    await poll.quietUntil(
      shown(place, 'planned').then(({ at }) =>
        assert.equal(at, began + 5 * MINUTE, 'counted from its beginning'),
      ),
    )
  })

  test('is under way as long as its page is not taken', async () => {
    await using provider = await openProvider(() => page)
    const place = ofPolls.createPlace()
    await using poll = await place.open({ url: provider.url, ...settings })
    await poll.next()
    place.now += 500
    assert.equal((await shown(place, 'now')).at, place.now)
  })

  test('waits until the provider may be asked', async () => {
    await using provider = await openProvider(() => ({ status: 429, headers: { 'retry-after': '90' } }))
    const place = ofPolls.createPlace()
    const began = place.now
    await using poll = await place.open({ url: provider.url, ...settings })
    void place.freeze()
    await poll.quietUntil(shown(place, 'provider').then(({ at }) => assert.equal(at, began + 90_000)))
  })

  test('waits until the budget has another call', async () => {
    await using provider = await openProvider(() => page)
    const place = ofPolls.createPlace()
    place.now += 10 * MINUTE
    const began = place.now
    await using poll = await place.open({
      ...settings,
      url: `${provider.url}/{product}`,
      products: ['A', 'B'],
      budget: { calls: 1, per: 'hour' },
    })
    await poll.take(1)
    void place.freeze()
    await poll.quietUntil(
      shown(place, 'budget').then(({ at }) => assert.equal(at, began + 50 * MINUTE, 'as its hour begins')),
    )
    assert.equal(provider.asked.length, 1)
  })
})

describe('a source of jobs tells that its next request', () => {
  const settingsOf = (url: string): object => ({
    trigger: { url: `${url}/jobs`, job: '/id' },
    progress: { url: `${url}/jobs/{job}`, status: '/status', done: ['done'], everyMs: '1m' },
    download: { url: `${url}/results/{job}` },
    everyMs: '6h',
    leaseMs: '1s',
  })

  test('is when the provider is asked how the job is, and now once that time has come', async () => {
    await using provider = await openProvider(({ path }) =>
      path === '/jobs' ? { body: { id: 'j1' } } : { body: { status: 'running' } },
    )
    const place = ofJobs.createPlace()
    const began = place.now
    await using jobs = await place.open(settingsOf(provider.url))
    void place.freeze()
    jobs.readOn()
    assert.equal((await shown(place, 'planned')).at, began + MINUTE)
    place.now += MINUTE
    await shown(place, 'now')
  })

  test('waits for a budget that is spent, unless a job that is under way comes first', async () => {
    await using provider = await openProvider(({ path }) =>
      path === '/jobs' ? { body: { id: 'j1' } } : { body: { status: 'running' } },
    )
    const place = ofJobs.createPlace()
    const began = place.now
    const settings = { ...settingsOf(provider.url), products: ['A', 'B'], budget: { jobs: 1, perMs: '1h' } }
    await using jobs = await place.open({
      ...settings,
      trigger: { url: `${provider.url}/jobs?{product}`, job: '/id' },
    })
    void place.freeze()
    jobs.readOn()
    await place.told(/the budget of jobs is spent/)
    assert.equal((await shown(place, 'planned')).at, began + MINUTE)
  })

  test('waits for a budget that is spent', async () => {
    await using provider = await openProvider(({ path }) =>
      path === '/jobs' ? { body: { id: 'j1' } } : { body: { status: 'done' } },
    )
    const place = ofJobs.createPlace()
    const began = place.now
    const budget = { jobs: 1, perMs: '7h' }
    await using jobs = await place.open({ ...settingsOf(provider.url), budget })
    await jobs.take(1)
    jobs.readOn()
    await place.told(/the budget of jobs is spent/)
    void place.freeze()
    assert.equal((await shown(place, 'budget')).at, began + 7 * HOUR)
  })
})
