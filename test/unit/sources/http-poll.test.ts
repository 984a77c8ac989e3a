import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import httpPoll from '../../../src/sources/http-poll/index.ts'
import { follow, nextLink, type Place as Page } from '../../../src/sources/http/paging.ts'
import { openProvider } from '../../support/provider.ts'
import { temporaryFolder } from '../../support/temp.ts'
import { createPlace, numbered, splitOf, textsWith } from './http-poll-harness.ts'

/** Three pages of two reviews, and nothing behind them. */
const reviewsOn = (page: number): object[] => (page <= 3 ? numbered(2 * page - 1, 2 * page) : [])
const THREE_PAGES = [textsWith(1, 2), textsWith(3, 4), textsWith(5, 6)]
const total = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

describe('paging', () => {
  test('none: one page holds everything, and is asked for again when it is due', async () => {
    await using provider = await openProvider((_, n) => ({ body: { reviews: numbered(n) } }))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url, everyMs: '10m' })
    assert.deepEqual(await poll.take(3), [textsWith(1), textsWith(2), textsWith(3)])
    assert.equal(total(place.slept), 2 * 600_000)
  })

  test('page: numbers count up until a page is empty', async () => {
    await using provider = await openProvider(({ params }) => ({
      body: { reviews: reviewsOn(Number(params.get('page'))) },
    }))
    const place = createPlace()
    await using poll = await place.open({ url: provider.url, paging: { kind: 'page', param: 'page' } })
    assert.deepEqual(await poll.take(4), [...THREE_PAGES, textsWith(1, 2)])
    assert.deepEqual(
      provider.asked.map(({ params }) => params.get('page')),
      ['1', '2', '3', '4', '1'],
    )
  })

  test('page: begins where it is told, and ends at the last page that is told or wanted', async () => {
    await using provider = await openProvider(({ params }) => ({
      body: { reviews: reviewsOn(Number(params.get('p')) + 1), info: { pages: '3' } },
    }))
    const pagesAsked = async (paging: object): Promise<(string | null)[]> => {
      const before = provider.asked.length
      await using poll = await createPlace().open({
        url: provider.url,
        paging: { kind: 'page', param: 'p', first: 0, ...paging },
      })
      await poll.take(4)
      return provider.asked.slice(before).map(({ params }) => params.get('p'))
    }
    assert.deepEqual(await pagesAsked({ totalPages: '/info/pages' }), ['0', '1', '2', '0'])
    assert.deepEqual(await pagesAsked({ max: 2 }), ['0', '1', '0', '1'])
    assert.deepEqual(await pagesAsked({ totalPages: '/info/absent' }), ['0', '1', '2', '3', '0'])
  })

  test('page: ends at a page that repeats the one before, and does not hand it over', async () => {
    await using provider = await openProvider(({ params }) => ({
      body: { reviews: reviewsOn(Math.min(2, Number(params.get('page')))), page: params.get('page') },
    }))
    await using poll = await createPlace().open({
      url: provider.url,
      paging: { kind: 'page', param: 'page' },
    })
    assert.deepEqual(await poll.take(3), [textsWith(1, 2), textsWith(3, 4), textsWith(1, 2)])
    assert.equal(provider.asked.length, 4)
  })

  test('offset: a short page is not the end', async () => {
    await using provider = await openProvider(({ params }) => {
      const offset = Number(params.get('skip'))
      return { body: { reviews: offset > 20 ? [] : numbered(offset, 'short') } }
    })
    await using poll = await createPlace().open({
      url: provider.url,
      paging: { kind: 'offset', param: 'skip', sizeParam: 'limit', size: 10 },
    })
    await poll.take(4)
    assert.deepEqual(
      provider.asked.map(({ params }) => `${params.get('skip')} ${params.get('limit')}`),
      ['0 10', '10 10', '20 10', '30 10', '0 10'],
    )
  })

  test('cursor: each page names the next, exactly as it is written', async () => {
    const next = ['9007199254740993', '"a/b+c=&?"', '""', 'null', 'false']
    for (const last of ['""', 'null', 'false', undefined]) {
      const names = [...next.slice(0, 2), last]
      await using provider = await openProvider((_, n) => {
        const name = names[(n - 1) % names.length]
        const body = `{"reviews":[{"id":${n}}]${name === undefined ? '' : `,"paging":{"next":${name}}`}}`
        return { body, headers: { 'content-type': 'application/json' } }
      })
      await using poll = await createPlace().open({
        url: provider.url,
        paging: { kind: 'cursor', param: 'after', next: '/paging/next' },
      })
      await poll.take(4)
      assert.deepEqual(
        provider.asked.map(({ params }) => params.get('after')),
        [null, '9007199254740993', 'a/b+c=&?', null],
      )
    }
  })

  test('cursor: goes on behind an empty page that names another, and ends at the second in a row', async () => {
    const pages = [numbered(1), [], numbered(2), [], []]
    await using provider = await openProvider((_, n) => ({
      body: { reviews: pages[(n - 1) % 5], next: `c${n}` },
    }))
    await using poll = await createPlace().open({
      url: provider.url,
      paging: { kind: 'cursor', param: 'after', next: '/next' },
    })
    assert.deepEqual(await poll.take(3), [textsWith(1), textsWith(2), textsWith(1)])
    assert.deepEqual(
      provider.asked.map(({ params }) => params.get('after')),
      [null, 'c1', 'c2', 'c3', 'c4', null],
    )
  })

  test('next-link: follows the link of the body or of the header', async () => {
    for (const at of ['body', 'header'] as const) {
      await using provider = await openProvider(({ path }) => {
        const page = Number(path.slice(1))
        const link = page < 3 ? `${page + 1}?from=link` : undefined
        return {
          body: { reviews: reviewsOn(page), ...(at === 'body' && { links: { next: link } }) },
          headers: {
            ...(at === 'header' && link && { link: [`</0>; rel="prev"`, `<${link}>; rel="next last"`] }),
          },
        }
      })
      await using poll = await createPlace().open({
        url: `${provider.url}/1`,
        paging: { kind: 'next-link', ...(at === 'body' && { next: '/links/next' }) },
      })
      assert.deepEqual(await poll.take(4), [...THREE_PAGES, textsWith(1, 2)])
      assert.deepEqual(
        provider.asked.map(({ path, params }) => path + (params.get('from') ?? '')),
        ['/1', '/2link', '/3link', '/1'],
      )
    }
  })

  test('a circle of pages is noticed, however long it is and wherever it begins', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 40 }), (lead, length) => {
        const nameAt = (n: number): string => `c${n < lead ? n : lead + ((n - lead) % length)}`
        let at: Page | undefined = { page: 1 }
        let pages = 0
        for (; at !== undefined; pages++) {
          at = follow(at, nameAt(pages))
          assert.ok(pages < 4 * (lead + length) + 4, 'in circles')
        }
        assert.ok(pages >= Math.min(lead + length, lead + 1), 'not before all pages were seen')
      }),
    )
  })

  test('pages whose names are all different are never taken for a circle', () => {
    let at: Page | undefined = { page: 1 }
    for (let n = 0; n < 1_000; n++) {
      at = at && follow(at, `c${n}`)
      assert.equal(at?.page, n + 2)
    }
  })

  test('the link header is read as RFC 8288 has it', () => {
    assert.equal(nextLink('<https://x/2>; rel="next"'), 'https://x/2')
    assert.equal(nextLink('<a>; rel=prev, <b,c>; title="<z>; rel=next, x"; rel=NEXT'), 'b,c')
    assert.equal(nextLink('<a>; rel="prev next"'), 'a')
    assert.equal(nextLink('<a>; rel="nextish"'), undefined)
    assert.equal(nextLink('<a>; rel="prev"'), undefined)
    assert.equal(nextLink(undefined), undefined)
  })
})

describe('an item', () => {
  test('has its exact bytes, and says where it stood', async () => {
    const body = ' {"product":"B1","reviews":[ {"id":9007199254740993 ,"a":1,"a":2}, "x" ]}'
    await using provider = await openProvider(() => ({
      body,
      headers: { 'content-type': 'application/json' },
    }))
    const place = createPlace()
    await using poll = await place.open({ url: `${provider.url}/all?v=2` })
    const { items } = await poll.next()
    assert.deepEqual(
      items.map(({ raw }) => raw.toString()),
      ['{"id":9007199254740993 ,"a":1,"a":2}', '"x"'],
    )
    assert.deepEqual(items[1], {
      origin: 'acme',
      receivedAt: place.now,
      raw: Buffer.from('"x"'),
      context: {
        source: 'shop',
        kind: 'http-poll',
        from: `${provider.url}/all`,
        page: 1,
        status: 200,
        position: 2,
        carried: { product: 'B1' },
      },
    })
  })

  test('is one of several documents, or of an array of responses', async () => {
    await using provider = await openProvider(() => ({ body: [{ id: 1 }, { id: 2 }] }))
    await using poll = await createPlace().open({ url: provider.url }, { split: await splitOf('canonical') })
    assert.deepEqual(await poll.take(1), [textsWith(1, 2)])
  })
})

describe('products', () => {
  test('take turns, page by page, each filled in where it stands', async () => {
    await using provider = await openProvider(({ params }) => ({
      body: {
        reviews: Number(params.get('page')) > 2 ? [] : numbered(`${params.get('asin')}${params.get('page')}`),
      },
    }))
    await using poll = await createPlace().open({
      url: provider.url,
      params: { asin: '{product}' },
      paging: { kind: 'page', param: 'page', max: 2 },
      products: ['A', 'B', 'A'],
    })
    const from: (string | undefined)[] = []
    for (let n = 0; n < 4; n++) {
      const batch = await poll.next()
      from.push(batch.items[0]?.context.from)
      await batch.ack()
    }
    assert.deepEqual(
      from,
      ['asin=A&page=1', 'asin=B&page=1', 'asin=A&page=2', 'asin=B&page=2'].map(
        (query) => `${provider.url}/?${query}`,
      ),
    )
  })

  test('are escaped as the place wants it: path, parameter, JSON body', async () => {
    const product = 'a/b "c" &{x} ü'
    await using provider = await openProvider(() => ({ body: { reviews: numbered(1) } }))
    await using poll = await createPlace().open({
      url: `${provider.url}/p/{product}/all?q={product}`,
      params: { asin: '{product}' },
      method: 'POST',
      body: '{"product":"{product}"}',
      products: [product],
    })
    await poll.take(1)
    const [asked] = provider.asked
    assert.equal(asked?.path, `/p/${encodeURIComponent(product)}/all`)
    assert.deepEqual([asked?.params.get('q'), asked?.params.get('asin')], [product, product])
    assert.deepEqual(JSON.parse(asked?.body ?? ''), { product })
    assert.deepEqual([asked?.method, asked?.headers['content-type']], ['POST', 'application/json'])
  })

  test('come from a file, one a line, without comments, blank lines and repeats', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'products.txt')
    await writeFile(file, '\uFEFF# ours\r\nB1\r\n\r\n  B2\nB1\n')
    await using provider = await openProvider(({ path }) => ({ body: { reviews: numbered(path) } }))
    await using poll = await createPlace().open({ url: `${provider.url}/{product}`, products: { file } })
    assert.deepEqual(await poll.take(3), [textsWith('/B1'), textsWith('/B2'), textsWith('/B1')])
  })

  test('in a file that can not be used are told before anything is asked', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'products.txt')
    const open = () => createPlace().open({ url: 'http://127.0.0.1:1/{product}', products: { file } })
    await assert.rejects(open, { code: 'FILE_UNREADABLE', message: /products\.file .*ENOENT/ })
    await writeFile(file, '# none yet\n')
    await assert.rejects(open, { code: 'CONFIG_INVALID', message: /expected a product .* found none/ })
    await writeFile(file, `B1\n${'x'.repeat(257)}\n`)
    await assert.rejects(open, { code: 'CONFIG_INVALID', message: /another text in line 2/ })
  })

  test('that are ready are asked before those that have to wait', async () => {
    await using provider = await openProvider(({ path }) =>
      path === '/bad' ? { status: 404 } : { body: { reviews: numbered(path) } },
    )
    const place = createPlace()
    await using poll = await place.open({
      url: `${provider.url}/{product}`,
      everyMs: '10s',
      products: ['bad', 'good'],
    })
    await poll.take(6)
    assert.deepEqual(
      provider.asked.map(({ path }) => path),
      ['/bad', ...Array<string>(6).fill('/good')],
    )
  })
})

describe('the config', () => {
  const refused = (settings: object): string => {
    const { error } = httpPoll.config.safeParse({ url: 'https://api.example.com/reviews', ...settings })
    return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n') ?? ''
  }

  test('says what is wrong with it', () => {
    assert.match(refused({ url: 'ftp://x' }), /url: expected a URL such as/)
    assert.match(refused({ url: 'https://user:pw@x/' }), /without a user in it/)
    assert.match(refused({ everyMs: '10ms' }), /everyMs: expected at least 1s/)
    assert.match(refused({ timeoutMs: '2h' }), /timeoutMs: expected up to 1h/)
    assert.match(refused({ headers: { 'Content-Length': '3' } }), /headers\.Content-Length: must not be set/)
    assert.match(refused({ headers: { 'x y': 'a' } }), /headers\.x y: expected the name of a header/)
    assert.match(refused({ headers: { 'x-y': 'a\nb' } }), /expected the value of a header/)
    assert.match(refused({ body: '{}' }), /body: needs `method: POST`/)
    assert.match(refused({ fullEveryMs: '1d' }), /fullEveryMs: needs `paging`/)
    assert.match(refused({ fullEveryMs: '1s', everyMs: '1m' }), /fullEveryMs: expected at least `every`/)
    assert.match(refused({ url: 'https://x/{product}' }), /products: needed, since \{product\} stands in/)
    assert.match(refused({ products: ['B1'] }), /products: needs \{product\} somewhere/)
    assert.match(refused({ paging: { kind: 'cursor', param: 'c', next: 'next' } }), /expected a JSON pointer/)
    assert.match(refused({ paging: { kind: 'cursor', param: 'c', next: '' } }), /expected a JSON pointer/)
    assert.match(refused({ apikey: 'x' }), /apikey/)
  })

  test('needs nothing but a url', () => {
    assert.equal(refused({}), '')
  })
})
