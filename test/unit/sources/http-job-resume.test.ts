import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import type { Registry } from '../../../src/stores/registry.ts'
import { openJobProvider, PART, type Shape } from '../../support/job-provider.ts'
import { type Asked, HELD, openProvider } from '../../support/provider.ts'
import { createPlace, type Place, splitOf, textsOf } from './http-job-harness.ts'

const SPLITS: Readonly<Record<Shape, string>> = {
  brightdata: 'brightdata',
  apify: 'apify-junglee',
  dataforseo: 'brightdata',
}
const idsIn = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => text.match(/\w+-\d-r\d+/g) ?? [])

/** A place where one asked for is held for ever, so that whoever asks can be killed meanwhile. */
function holding(isHeld: (asked: Asked) => boolean) {
  const held = Promise.withResolvers<void>()
  let isOver = false
  return {
    held: held.promise,
    goOn: () => void (isOver = true),
    intervene: (asked: Asked) => {
      if (isOver || !isHeld(asked)) return undefined
      held.resolve()
      return HELD
    },
  }
}

async function readAll(place: Place, settings: object): Promise<string[]> {
  await using jobs = await place.open(settings)
  return await jobs.readResult()
}

describe('a job whose source is killed', () => {
  for (const shape of ['brightdata', 'apify', 'dataforseo'] as const) {
    test(`while the provider of the shape ${shape} works on it is not begun a second time`, async () => {
      const hold = holding(({ path }) => /progress|actor-runs|task_get/.test(path))
      await using provider = await openJobProvider(shape, {
        looks: 2,
        reviews: 15,
        intervene: hold.intervene,
      })
      const place = createPlace(await splitOf(SPLITS[shape]))
      {
        await using jobs = await place.open(provider.settings)
        jobs.readOn()
        await hold.held
      }
      hold.goOn()
      const texts = await readAll(place, provider.settings)
      assert.ok(new Set(idsIn(texts)).size >= 11)
      assert.equal(provider.begun.length, 1)
    })
  }

  test('before a part came asks for that part again, and for none before it', async () => {
    const hold = holding(({ params }) => params.get('part') === '3')
    await using provider = await openJobProvider('brightdata', { reviews: 45, intervene: hold.intervene })
    const place = createPlace(await splitOf('brightdata'))
    const first: string[] = []
    {
      await using jobs = await place.open(provider.settings)
      first.push(...(await jobs.take(2)).flat())
      jobs.readOn()
      await hold.held
    }
    hold.goOn()
    const rest = await readAll(place, provider.settings)
    assert.equal(new Set([...first, ...rest]).size, 45)
    assert.equal(rest.length, 45 - 2 * PART)
    assert.equal(provider.begun.length, 1)
  })

  test('with a part in hand is handed that part again', async () => {
    await using provider = await openJobProvider('brightdata', { reviews: 45 })
    const place = createPlace(await splitOf('brightdata'))
    const seen: string[][] = []
    for (let part = 1; part <= 5; part++) {
      await using jobs = await place.open(provider.settings)
      const lost = textsOf(await jobs.next())
      await jobs[Symbol.asyncDispose]()
      await using again = await place.open(provider.settings)
      const back = await again.next()
      assert.deepEqual(textsOf(back), lost)
      await back.ack()
      seen.push(lost)
    }
    assert.equal(new Set(seen.flat()).size, 45)
    assert.equal(provider.begun.length, 1)
  })

  test('in the middle of the links goes on at the link that it had reached', async () => {
    await using provider = await openProvider(({ path }) => {
      if (path === '/jobs') return { body: { id: 'j1' } }
      if (path.startsWith('/files/')) return { body: [path] }
      return { body: { files: [1, 2, 3].map((n) => `${provider.url}/files/${n}`) } }
    })
    const place = createPlace()
    const settings = {
      trigger: { url: `${provider.url}/jobs`, job: '/id' },
      download: { url: `${provider.url}/results/{job}`, links: '/files' },
    }
    {
      await using jobs = await place.open(settings)
      assert.deepEqual(await jobs.take(1), [['"/files/1"']])
    }
    await using jobs = await place.open(settings)
    assert.deepEqual(await jobs.take(2), [['"/files/2"'], ['"/files/3"']])
    assert.deepEqual(
      provider.asked.map(({ path }) => path),
      ['/jobs', '/results/j1', '/files/1', '/files/2', '/files/3'],
    )
  })

  test('while it is begun is told of, and begun once more', async () => {
    const hold = holding(({ path }) => path.endsWith('/trigger'))
    await using provider = await openJobProvider('brightdata', { reviews: 5, intervene: hold.intervene })
    const place = createPlace()
    {
      await using jobs = await place.open(provider.settings)
      jobs.readOn()
      await hold.held
    }
    hold.goOn()
    assert.equal((await readAll(place, provider.settings)).length, 5)
    assert.equal(provider.asked.filter(({ path }) => path.endsWith('/trigger')).length, 2)
    assert.deepEqual(
      place.log.filter(({ level }) => level === 'error').map(({ message }) => message),
      ['a job may have begun before a restart, but its id was not saved yet; a new one begins in 1 s'],
    )
    assert.deepEqual(place.troubles.at(-1), undefined)
  })

  test('while it is begun is not begun again where its budget is spent', async () => {
    const hold = holding(({ path }) => path.endsWith('/trigger'))
    await using provider = await openJobProvider('brightdata', { reviews: 5, intervene: hold.intervene })
    const place = createPlace()
    const settings = { ...provider.settings, budget: { jobs: 1, perMs: '1d' } }
    {
      await using jobs = await place.open(settings)
      jobs.readOn()
      await hold.held
    }
    hold.goOn()
    const killed = place.now
    await using jobs = await place.open(settings)
    await jobs.take(1)
    assert.ok(place.now - killed >= 24 * 3_600_000 - 60_000, `after ${place.now - killed} ms`)
  })
})

describe('a source of jobs', () => {
  test('saves the id of a job before it asks for anything about it', async () => {
    const saved: string[] = []
    const place = createPlace()
    await using provider = await openJobProvider('brightdata', {
      reviews: 5,
      async intervene({ path }) {
        saved.push(`${path.split('/').at(-1)}: ${await place.phase()}`)
        return undefined
      },
    })
    await using jobs = await place.open(provider.settings)
    await jobs.take(1)
    assert.deepEqual(saved, ['trigger: triggering', 'brightdata-1: waiting', 'brightdata-1: waiting'])
  })

  test('begins nothing while its registry is away, and begins one job when it is back', async () => {
    await using provider = await openJobProvider('brightdata', { reviews: 5 })
    const place = createPlace()
    let failing = 3
    const registry: Registry = {
      ...place.registry,
      async compareAndSet(...entry) {
        if (failing-- > 0) throw new TransientError('STORE_UNAVAILABLE', 'the database is away')
        return place.registry.compareAndSet(...entry)
      },
    }
    await using jobs = await place.open(provider.settings, { registry })
    await jobs.take(1)
    assert.equal(provider.begun.length, 1)
    assert.deepEqual(place.troubles, ['the database is away', undefined])
  })

  test('saves the id of a job that began while it was told to stop', async () => {
    const asked = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    await using provider = await openJobProvider('brightdata', {
      reviews: 5,
      async intervene({ path }) {
        if (!path.endsWith('/trigger')) return undefined
        asked.resolve()
        await release.promise
        return undefined
      },
    })
    const place = createPlace()
    {
      await using jobs = await place.open(provider.settings)
      const quiet = jobs.quietUntil(asked.promise)
      await asked.promise
      release.resolve()
      await quiet
    }
    await using jobs = await place.open(provider.settings)
    await jobs.take(1)
    assert.equal(provider.begun.length, 1)
  })

  test('finishes the job of a product that the config no longer has, and begins no other', async () => {
    await using provider = await openProvider(({ path, params }) =>
      path === '/jobs' ? { body: { id: `job-${params.get('asin')}` } } : { body: [path] },
    )
    const place = createPlace()
    const settings = {
      trigger: { url: `${provider.url}/jobs`, params: { asin: '{product}' }, job: '/id' },
      download: { url: `${provider.url}/{job}` },
    }
    {
      await using jobs = await place.open({ ...settings, products: ['A', 'B'] })
      await jobs.quietUntil(place.freeze())
    }
    await using jobs = await place.open({ ...settings, products: ['B'] })
    assert.deepEqual((await jobs.take(3)).flat().toSorted(), ['"/job-A"', '"/job-B"', '"/job-B"'])
    const begun = provider.asked
      .filter(({ path }) => path === '/jobs')
      .map(({ params }) => params.get('asin'))
    assert.deepEqual(begun, ['A', 'B', 'B'])
  })

  test('takes a result however long it was away', async () => {
    await using provider = await openJobProvider('brightdata', { reviews: 5 })
    const place = createPlace()
    {
      await using jobs = await place.open(provider.settings)
      await jobs.quietUntil(place.freeze())
    }
    place.now += 30 * 24 * 3_600_000
    await using jobs = await place.open(provider.settings)
    await jobs.take(1)
    assert.deepEqual(provider.begun, ['brightdata-1'])
  })

  test('whose paging was changed reads the result of a job from its beginning', async () => {
    await using provider = await openJobProvider('brightdata', { reviews: 30 })
    const place = createPlace(await splitOf('brightdata'))
    {
      await using jobs = await place.open(provider.settings)
      await jobs.take(2)
    }
    const changed = structuredClone(provider.settings) as { download: { params: object } }
    changed.download.params = { other: 'parameter' }
    await using jobs = await place.open(changed)
    const [[first = ''] = []] = await jobs.take(1)
    assert.match(first, /brightdata-1-r1"/)
  })
})
