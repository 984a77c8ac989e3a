import assert from 'node:assert/strict'
import { glob, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { REVIEW_FIELDS } from '../../src/review/fields.ts'
import { type Running, start } from '../support/cli.ts'
import { eventually, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { openProvider, type Provider, type Reply, type Script } from '../support/provider.ts'
import { temporaryFolder } from '../support/temp.ts'

const COUNT = 200
const PAGE_SIZE = 10
const KEY = 'key-that-nobody-may-see-0123456789'
process.env['POLL_TEST_KEY'] = KEY

type Item = Readonly<Record<string, unknown>>

/** Stands in front of the simulator, sees every request, and may answer in its place. */
type Intervene = (...asked: Parameters<Script>) => ReturnType<Script> | undefined

interface Served extends AsyncDisposable {
  readonly front: Provider
  readonly simulator: string
}

async function serve(folder: string, shape: string, intervene: Intervene): Promise<Served> {
  await using opened = new AsyncDisposableStack()
  const args = ['--count', String(COUNT), '--page-size', String(PAGE_SIZE), '--products', '12']
  const process = opened.use(
    start(['simulate', '--port', '0', '--json', '--shape', shape, ...args], { cwd: folder }),
  )
  const simulator = await process.waitFor((line) => (JSON.parse(line) as { url?: string }).url)
  const front = opened.use(
    await openProvider(async (asked, n) => {
      const reply = await intervene(asked, n)
      if (reply !== undefined) return reply
      const response = await fetch(`${simulator}${asked.path}?${asked.params.toString()}`)
      return { body: await response.text(), headers: { 'content-type': 'application/json' } }
    }),
  )
  const resources = opened.move()
  return { front, simulator, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/** The shape `canonical` has its reviews in a list; one `headwater simulate` serves. */
async function writePreset(folder: string): Promise<void> {
  const fields = Object.fromEntries(REVIEW_FIELDS.map((name) => [name, { from: `/${name}` }]))
  const preset = { name: 'served', version: 1, coverage: 'full', items: ['/reviews/*'], fields }
  await writeFile(join(folder, 'served.yaml'), JSON.stringify(preset))
}

/** All reviews without regard to products: twenty pages of one list. */
async function writeList(folder: string, url: string, more = ''): Promise<void> {
  await writePreset(folder)
  const paging = '{ kind: page, param: page, total_pages: /total_pages }'
  await writeConfig(
    folder,
    `  - { name: poll, type: http-poll, preset: ./served.yaml, url: "${url}/reviews", paging: ${paging}, every: 1h${more} }`,
  )
}

const pagesOf = ({ asked }: Provider): number[] => asked.map(({ params }) => Number(params.get('page')))
const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n)
const LAST_PAGE = COUNT / PAGE_SIZE

/** Items by what makes two of them one record: everything but the votes. */
function distinct(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [JSON.stringify({ ...item, helpful_votes: undefined }), item]))
}

async function everythingFrom(url: string): Promise<Item[]> {
  const { reviews } = (await (await fetch(url)).json()) as { reviews: Item[] }
  return reviews
}

interface Counts {
  readonly received: number
  readonly stored: number
  readonly unchanged: number
  readonly rejected: number
}

/** Waits until this process has received so many items, and all that is in the queue is settled, also by earlier ones. */
async function settled(admin: string, received: number): Promise<Counts> {
  return eventually(async () => {
    const metrics = await (await fetch(`${admin}/metrics`)).text()
    const count = (what: string): number =>
      Number(
        new RegExp(`^headwater_reviews_${what}_total\\{source="poll"\\} (\\d+)`, 'm').exec(metrics)?.[1] ?? 0,
      )
    const counts = {
      received: count('received'),
      stored: count('stored'),
      unchanged: count('unchanged'),
      rejected: count('rejected'),
    }
    const backlogs = [...metrics.matchAll(/^headwater_queue_backlog_messages\{.*\} (\d+)$/gm)]
    const isDone = backlogs.length === 2 && backlogs.every(([, backlog]) => backlog === '0')
    return counts.received >= received && isDone ? counts : undefined
  }, `${received} items`)
}

/** Everything that was served is stored, exactly, once. */
async function assertStored(folder: string, served: readonly Item[]): Promise<void> {
  const stored = await rows(folder)
  const wanted = distinct(served)
  const raws = stored.map(({ raw }) => JSON.parse(raw ?? '') as Item)
  assert.equal(stored.length, wanted.size)
  assert.deepEqual(new Set(distinct(raws).keys()), new Set(wanted.keys()))
  const exact = new Set(served.map((item) => JSON.stringify(item)))
  for (const { raw } of stored) assert.ok(exact.has(raw ?? ''), `altered: ${raw}`)
}

async function assertStops(process: Running): Promise<void> {
  const { code, stderr } = await process.stop('SIGINT')
  assert.equal(code, 0, stderr)
}

describe('up with a poll', () => {
  for (const { shape, preset, query, pages } of [
    { shape: 'canonical', preset: './served.yaml', query: '/reviews?product=', pages: '/total_pages' },
    { shape: 'rainforest', preset: 'rainforest', query: '/request?asin=', pages: '/pagination/total_pages' },
  ]) {
    test(`stores every review of ${shape} once, crawl after crawl, and shows the key to nobody`, async () => {
      await using folder = await temporaryFolder()
      await using served = await serve(folder.path, shape, ({ params, headers }) =>
        params.get('api_key') === KEY && headers['x-api-key'] === KEY ? undefined : { status: 401 },
      )
      const list = (await (await fetch(`${served.simulator}/products`)).json()) as { product_id: string }[]
      const products = list.map(({ product_id: product }) => product)
      await writeFile(join(folder.path, 'products.txt'), products.join('\n'))
      await writePreset(folder.path)
      await writeConfig(
        folder.path,
        `
  - name: poll
    type: http-poll
    preset: ${preset}
    url: ${served.front.url}${query}{product}
    params: { api_key: "\${POLL_TEST_KEY}" }
    headers: { X-Api-Key: "\${POLL_TEST_KEY}" }
    every: 3s
    products: { file: products.txt }
    paging: { kind: page, param: page, total_pages: ${pages} }`,
      )
      const { process, admin } = await startUp(folder.path)
      await using _ = process
      const items: Item[] = []
      for (const product of products) {
        for (let page = 1, more = true; more; page++) {
          const found = await everythingFrom(`${served.simulator}${query}${product}&page=${page}`)
          items.push(...found)
          more = found.length > 0
        }
      }
      assert.equal(items.length, COUNT)
      const counts = await settled(admin, 2 * COUNT)
      assert.deepEqual([counts.stored, counts.rejected], [distinct(items).size, 0])
      assert.equal(counts.received, counts.stored + counts.unchanged)
      assert.ok(counts.stored < COUNT, 'some are a review again, with other votes')
      await assertStops(process)
      await assertStored(folder.path, items)
      const { stdout, stderr } = await process.exited
      assert.ok(!(stdout + stderr).includes(KEY))
      for await (const file of glob('data/**', { cwd: folder.path, withFileTypes: true })) {
        if (!file.isFile()) continue
        const bytes = await readFile(join(file.parentPath, file.name))
        assert.ok(!bytes.includes(KEY), file.name)
      }
    })
  }

  test('that is killed in the middle of a crawl goes on at the page it had reached', async () => {
    await using folder = await temporaryFolder()
    const reached = Promise.withResolvers<void>()
    let isHeld = true
    await using served = await serve(folder.path, 'canonical', ({ params }) => {
      if (params.get('page') !== '8' || !isHeld) return undefined
      reached.resolve()
      return new Promise(() => {})
    })
    await writeList(folder.path, served.front.url)
    {
      const { process } = await startUp(folder.path)
      await using _ = process
      await reached.promise
      await process.kill()
    }
    isHeld = false
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    await settled(admin, COUNT - 7 * PAGE_SIZE)
    assert.deepEqual(pagesOf(served.front), [...upTo(8), ...upTo(LAST_PAGE, 8)])
    await assertStops(process)
    await assertStored(folder.path, await allOf(served.simulator))
  })

  test('that is killed again and again, whenever a page arrives, loses and repeats nothing', async () => {
    await using folder = await temporaryFolder()
    const kills = new Set(['2', '3', '7', '12'])
    let up: Running | undefined
    await using served = await serve(folder.path, 'canonical', ({ params }) => {
      // Anywhere between the answer and its acknowledgement: at a moment that differs from kill to kill.
      if (kills.delete(params.get('page') ?? '')) setTimeout(() => void up?.kill(), Math.random() * 15)
      return undefined
    })
    await writeList(folder.path, served.front.url)
    while (kills.size > 0) {
      up = start(['up', '--json'], { cwd: folder.path })
      await up.exited
    }
    const all = await allOf(served.simulator)
    const { process } = await startUp(folder.path)
    await using _ = process
    await eventually(async () => {
      return (await rows(folder.path)).length >= distinct(all).size ? true : undefined
    }, 'all reviews')
    await assertStops(process)
    await assertStored(folder.path, all)
    const asked = pagesOf(served.front)
    assert.ok(asked.length <= LAST_PAGE + 4, `asked for ${asked.join()}`)
    assert.deepEqual([...new Set(asked)], upTo(LAST_PAGE))
  })

  test('waits as long as a 429 asks, also across a restart', async () => {
    await using folder = await temporaryFolder()
    const WAIT_MS = 6_000
    await using served = await serve(folder.path, 'canonical', (_, n) =>
      n === 3 ? { status: 429, headers: { 'retry-after': String(WAIT_MS / 1_000) } } : undefined,
    )
    await writeList(folder.path, served.front.url)
    {
      const { process } = await startUp(folder.path)
      await using _ = process
      await process.waitFor(/found 429 Too Many Requests/)
      await process.kill()
    }
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    await settled(admin, COUNT - 2 * PAGE_SIZE)
    const [, , refused, next] = served.front.asked
    const waited = (next?.at ?? 0) - (refused?.at ?? 0)
    assert.ok(waited >= WAIT_MS, `${waited} ms`)
    assert.deepEqual(pagesOf(served.front), [1, 2, 3, ...upTo(LAST_PAGE, 3)])
    await assertStops(process)
  })

  test('stops at once while a provider asks to wait for an hour', async () => {
    await using folder = await temporaryFolder()
    await using served = await serve(folder.path, 'canonical', () => ({
      status: 503,
      headers: { 'retry-after': '3600' },
    }))
    await writeList(folder.path, served.front.url)
    for (const line of [
      /found 503 Service Unavailable.*asked again in 1 h/,
      /asked to wait; asked again in/,
    ]) {
      const { process } = await startUp(folder.path)
      await using _ = process
      await process.waitFor(line)
      await assertStops(process)
    }
    assert.equal(served.front.asked.length, 1)
  })

  test('asks again after 500 and a connection that breaks, and misses nothing', async () => {
    await using folder = await temporaryFolder()
    const troubles = new Map<number, Reply | 'hang up'>([
      [1, { status: 500 }],
      [4, 'hang up'],
      [5, { status: 502 }],
      [9, { status: 500 }],
    ])
    await using served = await serve(folder.path, 'canonical', (_, n) => troubles.get(n))
    await writeList(folder.path, served.front.url)
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    const counts = await settled(admin, COUNT)
    assert.equal(counts.rejected, 0)
    assert.deepEqual(pagesOf(served.front), [1, 1, 2, 3, 3, 3, 4, 5, 6, ...upTo(LAST_PAGE, 6)])
    await assertStops(process)
    await assertStored(folder.path, await allOf(served.simulator))
  })

  test('keeps a web page in place of reviews as a dead letter, and stays where it was', async () => {
    await using folder = await temporaryFolder()
    const html = '<html><title>Robot Check</title></html>'
    let isBlocked = true
    await using served = await serve(folder.path, 'canonical', ({ params }) =>
      params.get('page') === '4' && isBlocked ? { body: html } : undefined,
    )
    await writeList(folder.path, served.front.url)
    {
      const { process, admin } = await startUp(folder.path)
      await using _ = process
      await process.waitFor(/SOFT_BLOCKED.*expected reviews, found a page for people with a CAPTCHA/)
      await settled(admin, 3 * PAGE_SIZE + 1)
      await assertStops(process)
    }
    const rejected = (await rows(folder.path)).filter(({ verdict }) => verdict.status === 'rejected')
    assert.deepEqual(
      rejected.map(({ raw, verdict: { code } }) => [raw, code]),
      [[html, 'soft_blocked']],
    )
    isBlocked = false
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    await settled(admin, COUNT - 3 * PAGE_SIZE)
    const asked = pagesOf(served.front)
    assert.deepEqual(
      asked.filter((page, n) => page !== asked[n - 1]),
      upTo(LAST_PAGE),
      'the page is asked for again, and none before it',
    )
    await assertStops(process)
  })
})

async function allOf(simulator: string): Promise<Item[]> {
  const pages = upTo(LAST_PAGE).map((page) => everythingFrom(`${simulator}/reviews?page=${page}`))
  return (await Promise.all(pages)).flat()
}
