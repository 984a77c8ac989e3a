import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openJobProvider } from '../../support/job-provider.ts'
import { openProvider, type Provider } from '../../support/provider.ts'
import { createPlace, DAY, splitOf, textsOf } from './http-job-harness.ts'

const triggersOf = ({ asked }: Provider): number =>
  asked.filter(({ path }) => /trigger|jobs$/.test(path)).length
const HOUR = 3_600_000

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('a job that failed', () => {
  test('is told of with the words of the provider, and begun again so often as `retries` says', async () => {
    await using provider = await openJobProvider('brightdata', { looks: 1_000 })
    for (const n of [1, 2, 3]) provider.turn(`brightdata-${n}`, 'failed')
    provider.turn('brightdata-4', 'ready')
    const place = createPlace(await splitOf('brightdata'))
    await using jobs = await place.open({ ...provider.settings, retries: 2, everyMs: '6h' })
    const begun = place.now
    await jobs.take(1)
    assert.equal(provider.begun.length, 4)
    assert.ok(place.now - begun >= 6 * HOUR, 'the fourth waits for the next round')
    const failed = place.log.filter(({ level }) => level === 'error')
    assert.deepEqual(
      failed.map(({ fields }) => (fields as { code: string }).code),
      ['JOB_FAILED', 'JOB_FAILED', 'JOB_FAILED'],
    )
    assert.match(
      failed[0]?.message ?? '',
      /^job brightdata-1 failed; the provider says: .*"failed".*; a new one begins in 1 s$/,
    )
    assert.match(failed[2]?.message ?? '', /; the next one begins in 6 h$/)
  })

  test('is begun again no more often than the budget allows, also across restarts', async () => {
    await using provider = await openJobProvider('brightdata', { looks: 1_000 })
    for (let n = 1; n <= 20; n++) provider.turn(`brightdata-${n}`, 'failed')
    const place = createPlace()
    const settings = { ...provider.settings, retries: 100, budget: { jobs: 3, perMs: '1d' } }
    const begun = place.now
    for (let start = 0; start < 3; start++) {
      await using jobs = await place.open(settings)
      await jobs.quietUntil(place.told(/the budget of jobs is spent/))
    }
    assert.equal(provider.begun.length, 3)
    assert.ok(place.now - begun < DAY)
  })

  test('keeps the source in trouble until another job has a result', async () => {
    await using provider = await openJobProvider('brightdata', { looks: 1, reviews: 5 })
    provider.turn('brightdata-1', 'failed')
    const place = createPlace()
    await using jobs = await place.open(provider.settings)
    const batch = await jobs.next()
    assert.equal(place.troubles.length, 1)
    await batch.ack()
    await jobs.quietUntil(place.freeze())
    assert.match(String(place.troubles[0]), /brightdata-1 failed/)
    assert.deepEqual(place.troubles.slice(1), [undefined])
  })

  test('says so also in place of its result', async () => {
    await using provider = await openJobProvider('dataforseo', { looks: 1_000 })
    provider.turn('dataforseo-1', 'failed')
    provider.turn('dataforseo-2', 'ready')
    const place = createPlace()
    await using jobs = await place.open(provider.settings)
    const batch = await jobs.next()
    assert.match(textsOf(batch)[0] ?? '', /dataforseo-2/)
    assert.match(String(place.troubles[0]), /job dataforseo-1 failed; the provider says: .*40501/)
  })
})

describe('a job that is not ready', () => {
  test('is given up at its deadline, and another is begun', async () => {
    await using provider = await openJobProvider('brightdata', { looks: 1_000_000 })
    provider.turn('brightdata-2', 'ready')
    const place = createPlace()
    const settings = structuredClone(provider.settings) as { progress: Record<string, string> }
    Object.assign(settings.progress, { deadlineMs: '10m', everyMs: '30s' })
    await using jobs = await place.open(settings)
    const begun = place.now
    await jobs.take(1)
    assert.equal(provider.begun.length, 2)
    assert.ok(place.now - begun >= 600_000 && place.now - begun < 700_000)
    assert.match(String(place.troubles[0]), /expected a result of job brightdata-1 within 10 min, found none/)
  })
})

describe('a result that can not be had', () => {
  test('is given up after five attempts', async () => {
    await using provider = await openJobProvider('brightdata', {
      intervene: ({ path }) =>
        path.endsWith('snapshot/brightdata-1') ? { status: 410, body: {} } : undefined,
    })
    const place = createPlace()
    await using jobs = await place.open(provider.settings)
    await jobs.take(1)
    assert.equal(provider.asked.filter(({ path }) => path.endsWith('snapshot/brightdata-1')).length, 5)
    assert.equal(provider.begun.length, 2)
    assert.match(String(place.troubles.at(-1)), /no way to the result of job brightdata-1 after 5 attempts/)
  })

  test('past its first part is asked for from its beginning before it is given up', async () => {
    let refusals = 0
    await using provider = await openJobProvider('brightdata', {
      reviews: 25,
      intervene: ({ params }) =>
        params.get('part') === '2' && refusals++ < 5 ? { status: 404, body: {} } : undefined,
    })
    const place = createPlace(await splitOf('brightdata'))
    await using jobs = await place.open(provider.settings)
    const texts = await jobs.readResult()
    assert.equal(new Set(texts).size, 25)
    assert.equal(provider.begun.length, 1)
  })

  test('for a while, after something of it was read, is waited for beyond the deadline', async () => {
    let left = 50
    await using provider = await openJobProvider('brightdata', {
      reviews: 25,
      intervene: ({ params }) =>
        params.get('part') === '2' && left-- > 0
          ? { status: 202, headers: { 'retry-after': '3600' }, body: {} }
          : undefined,
    })
    const place = createPlace(await splitOf('brightdata'))
    await using jobs = await place.open({ ...provider.settings, everyMs: '30d' })
    assert.equal((await jobs.readResult()).length, 25)
    assert.equal(provider.begun.length, 1)
  })

  test('is not given up while the provider is unwell, however long', async () => {
    let left = 30
    await using provider = await openJobProvider('brightdata', {
      reviews: 5,
      intervene: ({ path }) =>
        path.includes('snapshot') && left-- > 0 ? { status: left % 2 ? 503 : 429, body: {} } : undefined,
    })
    const place = createPlace()
    await using jobs = await place.open(provider.settings)
    await jobs.take(1)
    assert.equal(provider.begun.length, 1)
    assert.deepEqual(place.troubles.at(-1), undefined)
  })

  test('that nobody understands is kept, and not paid for again before `every` has passed', async () => {
    await using provider = await openJobProvider('brightdata', { reviews: 5 })
    const place = createPlace(await splitOf('rainforest'))
    await using jobs = await place.open({ ...provider.settings, everyMs: '1d', retries: 5 })
    const start = place.now
    while (provider.begun.length < 2) await jobs.next()
    assert.ok(place.now - start >= DAY, `after ${place.now - start} ms`)
    assert.match(JSON.stringify(place.log), /no way to the result of job brightdata-1 after 5 attempts/)
  })

  test('is kept where it is a page for people, and asked for again', async () => {
    let left = 1
    await using provider = await openJobProvider('brightdata', {
      reviews: 5,
      intervene: ({ path }) =>
        path.includes('snapshot') && left-- > 0 ? { body: '<html>Log in</html>' } : undefined,
    })
    await using jobs = await createPlace(await splitOf('brightdata')).open(provider.settings)
    const [page, items] = await jobs.take(2)
    assert.deepEqual(page, ['<html>Log in</html>'])
    assert.equal(items?.length, 5)
    assert.equal(provider.begun.length, 1)
  })
})

describe('a trigger', () => {
  test('that is refused for want of a key, or for too many requests, costs nothing of the budget', async () => {
    const refusals = [401, 429, 503, 400]
    await using provider = await openJobProvider('brightdata', {
      reviews: 5,
      intervene({ path }) {
        const status = path.endsWith('/trigger') ? refusals.shift() : undefined
        return status === undefined ? undefined : { status, body: { error: 'no' } }
      },
    })
    const place = createPlace()
    await using jobs = await place.open({
      ...provider.settings,
      budget: { jobs: 1, perMs: '30d' },
      retries: 0,
    })
    const before = place.now
    await jobs.take(1)
    assert.ok(place.now - before < DAY)
    assert.equal(provider.begun.length, 1)
  })

  test('that reaches nobody costs nothing of the budget', async () => {
    const place = createPlace()
    const url = `http://127.0.0.1:${await closedPort()}`
    const settings = {
      trigger: { url: `${url}/jobs`, job: '/id' },
      download: { url: `${url}/{job}` },
      budget: { jobs: 1, perMs: '1d' },
    }
    {
      await using jobs = await place.open(settings)
      await jobs.quietUntil(place.told(/ECONNREFUSED/))
    }
    const entry = await place.registry.get('job/shop/budget')
    assert.equal((JSON.parse(entry?.value.toString() ?? '') as { used: number }).used, 0)
  })

  for (const [what, answer] of [
    ['broke off', 'hang up'],
    ['was a 502', { status: 502, body: {} }],
    ['had no id', { body: { error: true } }],
  ] as const) {
    test(`whose answer ${what} is repeated only within retries and budget`, async () => {
      await using provider = await openJobProvider('brightdata', {
        intervene: ({ path }) => (path.endsWith('/trigger') ? answer : undefined),
      })
      const place = createPlace()
      await using jobs = await place.open({ ...provider.settings, retries: 1 })
      await jobs.quietUntil(place.told(/the next one begins/))
      assert.equal(triggersOf(provider), 2)
      assert.equal(place.log.filter(({ level }) => level === 'error').length, 2)
    })
  }

  test('of one product that is refused keeps all others from asking, though jobs under way are answered', async () => {
    const begun = new Set<string>()
    await using provider = await openProvider(({ path, params }) => {
      const asin = params.get('asin') ?? ''
      if (path !== '/jobs') return { body: { status: 'running' } }
      if (begun.size < 2) return { body: { id: begun.add(asin).size } }
      return { status: 429, body: { error: 'RUNNING_JOBS>=JOBS_LIMIT' } }
    })
    const place = createPlace()
    const start = place.now
    await using jobs = await place.open({
      trigger: { url: `${provider.url}/jobs`, params: { asin: '{product}' }, job: '/id' },
      progress: { url: `${provider.url}/{job}`, status: '/status', done: ['ready'], everyMs: '1s' },
      download: { url: `${provider.url}/{job}/items` },
      products: Array.from({ length: 6 }, (_, n) => `B${n}`),
      jobsAtOnce: 50,
    })
    const later = Promise.withResolvers<void>()
    const rest = jobs.quietUntil(later.promise)
    while (place.now - start < HOUR) await turn()
    later.resolve()
    await rest
    const triggers = triggersOf(provider)
    assert.ok(triggers < 25, `${triggers} triggers in an hour`)
    const looks = provider.asked.length - triggers
    assert.ok(looks > 2_000, `${looks} looks at two jobs in an hour, one a second`)
  })

  test('is not asked for while as many jobs are under way as there may be', async () => {
    await using provider = await openProvider(({ path, params }) =>
      path === '/jobs' ? { body: { id: params.get('asin') } } : { status: 202, body: {} },
    )
    const place = createPlace()
    await using jobs = await place.open({
      trigger: { url: `${provider.url}/jobs`, params: { asin: '{product}' }, job: '/id' },
      download: { url: `${provider.url}/{job}` },
      products: Array.from({ length: 50 }, (_, n) => `B${n}`),
      jobsAtOnce: 3,
    })
    await jobs.quietUntil(place.freeze())
    assert.equal(triggersOf(provider), 3)
  })

  test('that fails with 500 for one product is not tried for all the others at once', async () => {
    await using provider = await openProvider(() => ({ status: 500, body: {} }))
    const place = createPlace()
    await using jobs = await place.open({
      trigger: { url: `${provider.url}/jobs`, params: { asin: '{product}' }, job: '/id' },
      download: { url: `${provider.url}/{job}` },
      products: Array.from({ length: 50 }, (_, n) => `B${n}`),
    })
    await jobs.quietUntil(place.told(/the circuit breaker is open/))
    assert.equal(triggersOf(provider), 5)
  })

  test('that asks to wait is not repeated earlier, also after a restart', async () => {
    let left = 1
    await using provider = await openJobProvider('brightdata', {
      reviews: 5,
      intervene: ({ path }) =>
        path.endsWith('/trigger') && left-- > 0
          ? { status: 429, headers: { 'retry-after': '7200' }, body: {} }
          : undefined,
    })
    const place = createPlace()
    const asked = place.now
    {
      await using jobs = await place.open(provider.settings)
      await jobs.quietUntil(place.told(/429/))
    }
    place.now = asked
    await using jobs = await place.open(provider.settings)
    await jobs.take(1)
    assert.ok(place.now - asked >= 7_200_000)
  })

  test('shows no secret where the provider repeats it', async () => {
    await using provider = await openProvider(({ headers }) => ({
      body: { error: `unknown ${headers.authorization}` },
    }))
    const place = createPlace()
    await using jobs = await place.open({
      headers: { authorization: 'Bearer key-that-nobody-may-see' },
      trigger: { url: `${provider.url}/jobs`, job: '/id' },
      download: { url: `${provider.url}/{job}` },
      retries: 0,
    })
    await jobs.quietUntil(place.told(/expected the id of a job at \/id/))
    const shown = JSON.stringify([place.log, place.troubles])
    assert.ok(!shown.includes('key-that-nobody-may-see'), shown)
  })
})
