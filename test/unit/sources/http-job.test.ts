import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import httpJob from '../../../src/sources/http-job/index.ts'
import { captured } from '../../support/captures.ts'
import { openJobProvider, PART, recordOf } from '../../support/job-provider.ts'
import { openProvider, type Provider } from '../../support/provider.ts'
import { createPlace, DAY, splitOf } from './http-job-harness.ts'

const pathsOf = ({ asked }: Provider): string[] => asked.map(({ path }) => path.split('/').at(-1) ?? '')
const idsIn = (texts: readonly string[][], key: string): unknown[] =>
  texts.flat().map((text) => (JSON.parse(text) as Record<string, unknown>)[key])
const idsOf = (job: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${job}-r${n + 1}`)

/** A provider of one job, `j1`, whose result is this. */
function oneJob(result: Parameters<typeof openProvider>[0]): Promise<Provider> {
  return openProvider((asked, n) => (asked.path === '/jobs' ? { body: { id: 'j1' } } : result(asked, n)))
}

const settingsOf = ({ url }: Provider, download: object = {}, more: object = {}): object => ({
  trigger: { url: `${url}/jobs`, job: '/id' },
  download: { url: `${url}/results/{job}`, ...download },
  ...more,
})

describe('a job', () => {
  test('is begun once, waited for and read part by part', async () => {
    await using provider = await openJobProvider('brightdata', { looks: 3, reviews: 25 })
    const place = createPlace(await splitOf('brightdata'))
    await using jobs = await place.open(provider.settings)
    const texts = await jobs.take(3)
    assert.deepEqual(
      texts.map(({ length }) => length),
      [PART, PART, 5],
    )
    assert.deepEqual(texts[0]?.[0], JSON.stringify(recordOf('brightdata-1', 1)))
    assert.deepEqual(idsIn(texts, 'review_id'), idsOf('brightdata-1', 25))
    assert.deepEqual(provider.begun, ['brightdata-1'])
    assert.deepEqual(
      provider.asked.map(({ headers }) => headers.authorization),
      provider.asked.map(() => 'Bearer key-that-nobody-may-see'),
    )
  })

  test('is begun again when `every` has passed since the last one began', async () => {
    await using provider = await openJobProvider('brightdata', { reviews: 5 })
    const place = createPlace()
    await using jobs = await place.open({ ...provider.settings, everyMs: '6h' })
    const began = place.now
    await jobs.take(2)
    assert.deepEqual(provider.begun, ['brightdata-1', 'brightdata-2'])
    assert.ok(place.now - began >= DAY / 4 && place.now - began < DAY / 4 + 60_000)
  })

  test('says of every item which job it is from, and where it stood', async () => {
    await using provider = await openJobProvider('brightdata', { reviews: PART + 1 })
    await using jobs = await createPlace().open(provider.settings)
    await jobs.take(1)
    const { items } = await jobs.next()
    const [{ context, origin } = assert.fail()] = items
    assert.equal(origin, 'acme')
    assert.deepEqual(context, {
      source: 'shop',
      kind: 'http-job',
      from: `${provider.url}/datasets/v3/snapshot/brightdata-1?part=2`,
      page: 2,
      status: 200,
      delivery: 'brightdata-1',
      position: 1,
    })
  })

  test('of Apify is read to its end where its pages are short', async () => {
    await using provider = await openJobProvider('apify', { reviews: 45 })
    await using jobs = await createPlace(await splitOf('apify-junglee')).open(provider.settings)
    const texts = await jobs.take(5)
    const kept = idsOf('apify-1', 45).filter((_, n) => (n + 1) % 4 !== 0)
    assert.deepEqual(idsIn(texts, 'reviewId'), kept)
  })

  test('of DataForSEO is asked for until its task is done, and tells nothing of it before', async () => {
    await using provider = await openJobProvider('dataforseo', { looks: 3, reviews: 4 })
    const place = createPlace((raw) => [{ raw }])
    await using jobs = await place.open(provider.settings)
    const [[answer = ''] = []] = await jobs.take(1)
    assert.deepEqual(pathsOf(provider), ['task_post', 'dataforseo-1', 'dataforseo-1', 'dataforseo-1'])
    assert.match(answer, /"status_code":20000,"result"/)
    assert.deepEqual(place.troubles, [])
  })

  test('is begun for each product, and its result asked for with that product', async () => {
    await using provider = await openProvider(({ path, body, params }) =>
      path === '/jobs'
        ? { body: { id: `job of ${JSON.parse(body).asin}` } }
        : { body: [{ job: decodeURIComponent(path.slice(1)), asin: params.get('asin') }] },
    )
    await using jobs = await createPlace().open({
      trigger: { url: `${provider.url}/jobs`, body: '{"asin":"{product}"}', job: '/id' },
      download: { url: `${provider.url}/{job}`, params: { asin: '{product}' } },
      products: ['B1', 'B"2'],
    })
    const texts = (await jobs.take(2)).flat().toSorted()
    assert.deepEqual(texts, [
      JSON.stringify({ job: 'job of B1', asin: 'B1' }),
      JSON.stringify({ job: 'job of B"2', asin: 'B"2' }),
    ])
  })

  test('may have a number for an id, of any size', async () => {
    await using provider = await openProvider(({ path }) =>
      path === '/jobs'
        ? {
            status: 202,
            body: '{"id":90071992547409931234}',
            headers: { 'content-type': 'application/json' },
          }
        : { body: [path] },
    )
    await using jobs = await createPlace().open(settingsOf(provider))
    assert.deepEqual(await jobs.take(1), [['"/results/90071992547409931234"']])
  })
})

describe('a result', () => {
  test('is waited for through 202, 204 and a body that says so', async () => {
    const replies = [
      { status: 202, headers: { 'retry-after': '90' }, body: { message: 'Snapshot is not ready yet' } },
      { status: 204 },
      { body: { status: 'building', message: 'Snapshot is not ready yet, try again in 10s' } },
      { body: { status: 'a word of next year' } },
      { body: [{ n: 1 }] },
    ]
    await using provider = await oneJob((_, n) => replies[n - 2] ?? assert.fail())
    const place = createPlace(await splitOf('brightdata'))
    const progress = { status: '/status', done: ['ready'], failed: ['failed'] }
    await using jobs = await place.open(settingsOf(provider, {}, { progress }))
    assert.deepEqual(await jobs.take(1), [['{"n":1}']])
    assert.deepEqual(place.slept, [10_000, 60_000, 30_000, 10_000, 10_000, 10_000])
    assert.deepEqual(place.troubles, [])
  })

  const lines = '{"n":1}\n{"n":  2}\r\n\n{"n":3}'
  const forms: readonly [string, string | Buffer, Record<string, string>][] = [
    ['lines of JSON', lines, {}],
    ['lines of JSON in a gzip file', gzipSync(lines), {}],
    ['lines of JSON, gzip on the way', gzipSync(lines), { 'content-encoding': 'gzip' }],
    ['a list in a gzip file', gzipSync('[{"n":1},{"n":  2},\n{"n":3}]'), {}],
  ]
  for (const [form, body, headers] of forms) {
    test(`may be ${form}`, async () => {
      await using provider = await oneJob(() => ({ body, headers }))
      await using jobs = await createPlace().open(settingsOf(provider))
      assert.deepEqual(await jobs.take(1), [['{"n":1}', '{"n":  2}', '{"n":3}']])
    })
  }

  test('of lines keeps one that is broken, and the others', async () => {
    await using provider = await oneJob(() => ({ body: '{"n":1}\n{"n":\n{"n":3}\n' }))
    await using jobs = await createPlace(await splitOf('brightdata')).open(settingsOf(provider))
    assert.deepEqual(await jobs.take(1), [['{"n":1}', '{"n":', '{"n":3}']])
  })

  test('behind links is read link by link', async () => {
    await using provider = await oneJob(({ path }) => {
      const [, n] = /^\/files\/(\d)$/.exec(path) ?? []
      if (n !== undefined) return { body: [{ same: 'in all parts' }] }
      return { body: { files: [1, 2, 3].map((at) => `${provider.url}/files/${at}?sig=secret-of-the-link`) } }
    })
    const place = createPlace()
    await using jobs = await place.open(settingsOf(provider, { links: '/files' }))
    const first = await jobs.next()
    await first.ack()
    assert.equal(first.items[0]?.context.from, `${provider.url}/files/1`)
    assert.equal((await jobs.take(2)).length, 2)
    assert.deepEqual(pathsOf(provider), ['jobs', 'j1', '1', '2', '3'])
  })

  test('behind links that repeat the key is read, and the key is not saved', async () => {
    const key = 'key-that-nobody-may-see'
    await using provider = await oneJob(({ path, params }) => {
      if (params.get('api_key') !== key) return { status: 401 }
      if (path.startsWith('/files/')) return { body: [path] }
      return {
        body: { files: [`${provider.url}/files/1?api_key=${key}`, `${provider.url}/files/2?api_key=${key}`] },
      }
    })
    const place = createPlace()
    const settings = settingsOf(provider, { links: '/files', params: { api_key: key } })
    {
      await using jobs = await place.open(settings)
      await jobs.take(1)
      const entry = await place.registry.get('job/shop/of/-')
      assert.match(entry?.value.toString() ?? '', /files\/2/)
      assert.doesNotMatch(entry?.value.toString() ?? '', /key-that-nobody-may-see/)
    }
    await using jobs = await place.open(settings)
    assert.deepEqual(await jobs.take(1), [['"/files/2"']])
  })

  test('behind a link to a host that nobody named is not asked for, and named in the trouble', async () => {
    await using elsewhere = await openProvider(() => ({ body: [] }))
    await using provider = await oneJob(() => ({ body: { files: [`${elsewhere.url}/internal`] } }))
    const place = createPlace()
    await using jobs = await place.open(settingsOf(provider, { links: '/files' }))
    await jobs.quietUntil(place.told(/asked again/))
    assert.deepEqual(elsewhere.asked, [])
    assert.match(String(place.troubles[0]), /found one to 127\.0\.0\.1:\d+: name its host in download\.hosts/)
  })

  test('behind a link to a host that the config names is had without any header', async () => {
    await using elsewhere = await openProvider(() => ({ body: [{ n: 1 }] }))
    await using provider = await oneJob(() => ({ body: { files: [`${elsewhere.url}/1`] } }))
    const download = { links: '/files', hosts: [new URL(elsewhere.url).host] }
    const headers = { authorization: 'Bearer key-that-nobody-may-see' }
    await using jobs = await createPlace().open(settingsOf(provider, download, { headers }))
    assert.deepEqual(await jobs.take(1), [['{"n":1}']])
    assert.equal(elsewhere.asked[0]?.headers.authorization, undefined)
  })

  test('that the provider calls empty is read, and tells nothing', async () => {
    await using provider = await openJobProvider('dataforseo')
    provider.turn('dataforseo-1', 'empty')
    const place = createPlace()
    await using jobs = await place.open(provider.settings)
    assert.deepEqual(await jobs.readResult(), [])
    assert.deepEqual(place.troubles, [])
  })

  test('that is empty ends the job', async () => {
    await using provider = await openJobProvider('brightdata', { reviews: 0 })
    const place = createPlace()
    await using jobs = await place.open(provider.settings)
    await jobs.quietUntil(place.told(/the result of a job was read/))
    await using again = await place.open(provider.settings)
    await again.quietUntil(place.freeze())
    assert.equal(provider.begun.length, 1)
  })
})

describe('a captured result', () => {
  for (const { file, preset, reviews } of [
    { file: 'brightdata/amazon_reviews_data.json', preset: 'brightdata', reviews: 8 },
    { file: 'apify/debug_apify_raw_B08N5WRWNW_IN.json', preset: 'apify-junglee', reviews: 5 },
  ]) {
    const { path, skip } = captured(file)

    test(`of ${preset} is read byte for byte, as it is and as a gzip file`, { skip }, async () => {
      const bytes = await readFile(path)
      for (const body of [bytes, gzipSync(bytes)]) {
        await using provider = await oneJob(() => ({ body }))
        await using jobs = await createPlace(await splitOf(preset)).open(settingsOf(provider))
        const { items } = await jobs.next()
        assert.equal(items.length, reviews)
        let from = 0
        for (const { raw } of items) {
          const at = bytes.indexOf(raw, from)
          assert.ok(at >= from)
          from = at + raw.length
        }
      }
    })
  }
})

describe('the config of a job', () => {
  const trigger = { url: 'https://api.example.com/jobs', job: '/id' }
  const download = { url: 'https://api.example.com/{job}' }
  const faults: readonly [string, object, RegExp][] = [
    ['nothing that begins a job', { download }, /trigger/],
    ['no place of the result', { trigger, download: {} }, /expected \{job\} in url or params of download/],
    [
      'a place of the result without the job',
      { trigger, download: { url: trigger.url } },
      /expected \{job\}/,
    ],
    ['progress without the job', { trigger, download, progress: { url: trigger.url } }, /params of progress/],
    ['a product in nothing', { trigger, download, products: ['A'] }, /needs \{product\} somewhere/],
    ['no product for its place', { trigger: { ...trigger, body: '{product}' }, download }, /needed, since/],
    [
      'a body for GET',
      { trigger: { ...trigger, method: 'GET', body: '{}' }, download },
      /needs `method: POST`/,
    ],
    [
      'no host of links',
      { download: { links: '/pages' }, notify: { job: '/id', acceptUnknown: true } },
      /where links may lead/,
    ],
    ['notifications of nothing', { trigger, download, notify: {} }, /says which job it is about/],
  ]
  for (const [fault, settings, message] of faults) {
    test(`is refused where it has ${fault}`, () => {
      assert.throws(() => httpJob.config.parse(settings), message)
    })
  }

  test('may leave out what begins jobs where the provider tells of its own', () => {
    const links = {
      download: { links: '/pages', hosts: ['files.example.com'] },
      notify: { job: '/id', acceptUnknown: true },
    }
    assert.ok(httpJob.config.safeParse(links).success)
  })
})
