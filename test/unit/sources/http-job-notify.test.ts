import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { openJobProvider } from '../../support/job-provider.ts'
import { openProvider } from '../../support/provider.ts'
import { createPlace, splitOf } from './http-job-harness.ts'

const TOKEN = 'token-of-sixteen-or-more'
const verify = { scheme: 'url-token', secrets: [TOKEN] }

/** As Apify sends it. */
const runFinished = (id: string, event = 'ACTOR.RUN.SUCCEEDED'): object => ({
  userId: 'u1',
  eventType: event,
  eventData: { actorId: 'a1', actorRunId: id },
  resource: { id, defaultDatasetId: `${id}-items` },
})

const APIFY = {
  job: ['/eventData/actorRunId', '/resource/id'],
  status: '/eventType',
  done: ['ACTOR.RUN.SUCCEEDED'],
  failed: ['ACTOR.RUN.FAILED', 'ACTOR.RUN.TIMED_OUT', 'ACTOR.RUN.ABORTED'],
}

async function send(url: string, body?: object): Promise<number> {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })
  await response.body?.cancel()
  return response.status
}

/** A provider whose jobs are ready only once it says so. */
const quietProvider = (reviews = 5) => openJobProvider('apify', { looks: 1_000_000, reviews })

describe('a notification', () => {
  test('starts the download, once it is durable', async () => {
    await using provider = await quietProvider()
    const place = createPlace(await splitOf('apify-junglee'))
    const settings = { ...provider.settings, notify: { ...APIFY, verify } }
    {
      await using jobs = await place.open(settings)
      const waiting = place.freeze()
      const batch = jobs.next()
      await waiting
      assert.equal(await send(`${jobs.hook}?token=${TOKEN}`, runFinished('apify-1')), 202)
      assert.equal(await place.phase(), 'downloading')
      assert.equal((await batch).items.length, 4)
    }
    await using jobs = await place.open(settings)
    assert.equal((await jobs.readResult()).length, 4)
    assert.equal(provider.begun.length, 1)
    assert.ok(!provider.asked.some(({ path }) => path === '/v2/actor-runs/apify-1'))
  })

  test('that is repeated does nothing', async () => {
    await using provider = await quietProvider()
    const place = createPlace(await splitOf('apify-junglee'))
    await using jobs = await place.open({ ...provider.settings, notify: { ...APIFY, verify } })
    const waiting = place.freeze()
    const batch = jobs.next()
    await waiting
    const url = `${jobs.hook}?token=${TOKEN}`
    const statuses = await Promise.all([1, 2, 3].map(() => send(url, runFinished('apify-1'))))
    await (await batch).ack()
    await jobs.quietUntil(place.told(/the result of a job was read/))
    statuses.push(await send(url, runFinished('apify-1')))
    assert.deepEqual(statuses, [202, 202, 202, 202])
    assert.equal(provider.asked.filter(({ path }) => path.endsWith('/items')).length, 2)
  })

  test('of a failure begins a new job', async () => {
    await using provider = await quietProvider()
    const place = createPlace()
    await using jobs = await place.open({ ...provider.settings, notify: { ...APIFY, verify } })
    const waiting = place.freeze()
    const rest = jobs.quietUntil(place.told(/job apify-1 failed/))
    await waiting
    assert.equal(await send(`${jobs.hook}?token=${TOKEN}`, runFinished('apify-1', 'ACTOR.RUN.FAILED')), 202)
    await rest
    assert.match(String(place.troubles[0]), /job apify-1 failed; the provider says: .*ACTOR\.RUN\.FAILED/)
  })

  test('of anything else is answered and does nothing', async () => {
    await using provider = await quietProvider()
    const place = createPlace()
    await using jobs = await place.open({ ...provider.settings, notify: { ...APIFY, verify } })
    const waiting = place.freeze()
    const rest = jobs.quietUntil(waiting)
    await waiting
    const url = `${jobs.hook}?token=${TOKEN}`
    assert.equal(await send(url, runFinished('apify-1', 'ACTOR.RUN.CREATED')), 202)
    await rest
    assert.equal(await place.phase(), 'waiting')
  })

  test('in the query of a GET starts the download', async () => {
    await using provider = await openJobProvider('dataforseo', { looks: 2, reviews: 4 })
    const place = createPlace()
    await using jobs = await place.open({ ...provider.settings, notify: { param: 'id', verify } })
    const waiting = place.freeze()
    const batch = jobs.next()
    await waiting
    provider.turn('dataforseo-1', 'ready')
    assert.equal(await send(`${jobs.hook}?token=${TOKEN}&id=dataforseo-1&tag=x`), 202)
    assert.equal((await batch).items.length, 1)
  })

  for (const [what, url, body, status] of [
    ['without the secret', '', runFinished('apify-1'), 401],
    ['with another secret', '?token=another-token-of-16', runFinished('apify-1'), 401],
    ['without a job', `?token=${TOKEN}`, { eventType: 'ACTOR.RUN.SUCCEEDED' }, 400],
    ['of a job that nobody here began', `?token=${TOKEN}`, runFinished('foreign'), 404],
    ['without a body', `?token=${TOKEN}`, undefined, 405],
  ] as const) {
    test(`${what} is answered with ${status}`, async () => {
      await using provider = await quietProvider()
      const place = createPlace()
      await using jobs = await place.open({ ...provider.settings, notify: { ...APIFY, verify } })
      const waiting = place.freeze()
      const rest = jobs.quietUntil(waiting)
      await rest
      assert.equal(await send(jobs.hook + url, body), status)
    })
  }

  test('that comes while its job begins is to come again', async () => {
    const asked = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    await using provider = await openJobProvider('apify', {
      looks: 1_000_000,
      async intervene({ path }) {
        if (!path.endsWith('/runs')) return undefined
        asked.resolve()
        await release.promise
        return undefined
      },
    })
    const place = createPlace()
    await using jobs = await place.open({
      ...provider.settings,
      notify: { ...APIFY, verify, acceptUnknown: true },
    })
    const waiting = place.freeze()
    const rest = jobs.quietUntil(waiting)
    await asked.promise
    const url = `${jobs.hook}?token=${TOKEN}`
    assert.equal(await send(url, runFinished('apify-1')), 503)
    release.resolve()
    await rest
    assert.equal(await send(url, runFinished('apify-1')), 202)
  })

  test('is answered with 503 while it can not be saved', async () => {
    await using provider = await quietProvider()
    const place = createPlace()
    let isAway = false
    const registry: Registry = {
      ...place.registry,
      async compareAndSet(...entry) {
        if (isAway) throw new TransientError('STORE_UNAVAILABLE', 'the database is away')
        return place.registry.compareAndSet(...entry)
      },
    }
    await using jobs = await place.open({ ...provider.settings, notify: { ...APIFY, verify } }, { registry })
    await jobs.quietUntil(place.freeze())
    const url = `${jobs.hook}?token=${TOKEN}`
    isAway = true
    assert.equal(await send(url, runFinished('apify-1')), 503)
    assert.equal(await send(url, runFinished('apify-1')), 503)
    isAway = false
    assert.equal(await send(url, runFinished('apify-1')), 202)
    assert.equal(await place.phase(), 'downloading')
  })

  test('needs a scheme where others than this machine can reach the listener', async () => {
    await using provider = await quietProvider()
    await assert.rejects(
      createPlace().open({ ...provider.settings, notify: APIFY }, { httpIsLoopback: false }),
      /expected verify/,
    )
  })
})

describe('a job of the provider’s own', () => {
  /** As Rainforest API sends it. */
  const resultSet = (id: string, pages: readonly string[]): object => ({
    request_info: { success: true, type: 'collection_resultset_completed' },
    collection: { id: 'c1', name: 'reviews' },
    result_set: { id, requests_completed: 3, download_links: { json: { pages } } },
  })
  const settingsOf = (url: string): object => ({
    download: { links: '/result_set/download_links/json/pages', hosts: [new URL(url).host] },
    notify: {
      job: '/result_set/id',
      status: '/request_info/type',
      done: ['collection_resultset_completed'],
      acceptUnknown: true,
      verify,
    },
  })
  const openFiles = () => openProvider(({ path }) => ({ body: { reviews: [{ file: path }] } }))

  test('is read page by page, and goes on at the page that it had reached after a kill', async () => {
    await using files = await openFiles()
    const place = createPlace()
    const pages = [1, 2, 3].map((n) => `${files.url}/page_${n}.json`)
    {
      await using jobs = await place.open(settingsOf(files.url))
      const url = `${jobs.hook}?token=${TOKEN}`
      assert.equal(await send(url, resultSet('r1', pages)), 202)
    }
    {
      await using jobs = await place.open(settingsOf(files.url))
      await jobs.take(1)
    }
    await using jobs = await place.open(settingsOf(files.url))
    assert.equal((await jobs.readResult()).length, 2)
    assert.deepEqual(
      files.asked.map(({ path }) => path),
      ['/page_1.json', '/page_2.json', '/page_3.json'],
    )
  })

  test('is read once, however often it is told of, also after a restart', async () => {
    await using files = await openFiles()
    const place = createPlace()
    const told = resultSet('r1', [`${files.url}/1.json`])
    {
      await using jobs = await place.open(settingsOf(files.url))
      const url = `${jobs.hook}?token=${TOKEN}`
      assert.deepEqual(await Promise.all([send(url, told), send(url, told)]), [202, 202])
      await jobs.readResult()
    }
    await using jobs = await place.open(settingsOf(files.url))
    assert.equal(await send(`${jobs.hook}?token=${TOKEN}`, told), 202)
    await jobs.quietUntil(place.freeze())
    assert.equal(files.asked.length, 1)
  })

  test('that failed is told of once, however often the provider repeats that', async () => {
    await using files = await openFiles()
    const place = createPlace()
    const settings = { ...settingsOf(files.url), notify: { ...APIFY, acceptUnknown: true, verify } }
    await using jobs = await place.open(settings)
    const url = `${jobs.hook}?token=${TOKEN}`
    for (let n = 0; n < 3; n++) assert.equal(await send(url, runFinished('r1', 'ACTOR.RUN.FAILED')), 202)
    assert.deepEqual(
      place.log.map(({ message }) => message.replace(/says: .*;/, 'says: …;')),
      ['job r1 failed; the provider says: …; it is not begun anew from here'],
    )
    assert.equal(place.troubles.length, 1)
  })

  test('is forgotten a week after it was read', async () => {
    await using files = await openFiles()
    const place = createPlace()
    {
      await using jobs = await place.open(settingsOf(files.url))
      await send(`${jobs.hook}?token=${TOKEN}`, resultSet('r1', [`${files.url}/1.json`]))
      await jobs.readResult()
    }
    assert.ok(await place.registry.get('job/shop/id/r1'))
    place.now += 8 * 24 * 3_600_000
    await using _ = await place.open(settingsOf(files.url))
    assert.equal(await place.registry.get('job/shop/id/r1'), undefined)
  })

  test('wakes a source that has nothing else to do', async () => {
    await using files = await openFiles()
    const place = createPlace()
    await using jobs = await place.open(settingsOf(files.url))
    const waiting = place.freeze()
    const batch = jobs.next()
    await waiting
    await send(`${jobs.hook}?token=${TOKEN}`, resultSet('r1', [`${files.url}/1.json`]))
    assert.equal((await batch).items.length, 1)
  })
})
