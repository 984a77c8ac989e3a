import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openProducts, productsField, type Products } from '../../../src/sources/http/products.ts'
import { openProvider } from '../../support/provider.ts'
import { createPlace, numbered } from './http-poll-harness.ts'

const parsed = (products: object): Products => productsField.parse(products) ?? assert.fail('no products')
const here = (): AbortSignal => AbortSignal.timeout(60_000)

describe('a list of products', () => {
  test('in a file is read again while it is polled: what is added is asked for, what is gone is not any more', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headwater-products-'))
    const file = join(folder, 'products.txt')
    await writeFile(file, '# ours\nA\nB\n')
    const place = createPlace()
    await using provider = await openProvider(({ path }, n) => ({
      body: { reviews: numbered(`${path}${n}`) },
    }))
    const asked = (): string[] => provider.asked.map(({ path }) => path)
    await using poll = await place.open({
      url: `${provider.url}/{product}`,
      products: { file },
      everyMs: '1s',
    })
    await poll.take(4)
    assert.deepEqual(new Set(asked()), new Set(['/A', '/B']))
    await writeFile(file, 'A\n\nC\n')
    while (!asked().includes('/C')) await poll.take(1)
    const before = asked().length
    await poll.take(6)
    assert.deepEqual(new Set(asked().slice(before)), new Set(['/A', '/C']))
    await rm(folder, { recursive: true })
  })

  test('at a URL is in its lines or its JSON, and the last one counts while it can not be read', async () => {
    const bodies = [
      { list: ['A', 'B'] },
      { list: 'A' },
      { list: [7] },
      { list: ['A', 'B'] },
      { list: ['B', 'C', 'C'] },
    ]
    let at = 0
    const told: (string | undefined)[] = []
    const list = await openProducts(
      parsed({ url: 'https://shop.example/list', items: '/list', refreshMs: '1s' }),
      {
        fetch: async () => Buffer.from(JSON.stringify(bodies[Math.min(at++, bodies.length - 1)])),
        onTrouble: (error) => void told.push(error?.message),
        signal: here(),
      },
    )
    assert.deepEqual(list.products, ['A', 'B'])
    assert.deepEqual(await list.changed(here()), ['B', 'C'])
    const where = 'products.url https://shop.example/list: expected'
    assert.deepEqual(told, [
      `${where} JSON with a list at /list`,
      `${where} a product of up to 256 characters a line, found another text in item 1`,
      undefined,
      undefined,
    ])
  })

  test('at another host is asked for without what the config sends to the provider', async () => {
    const listed = { body: 'A\n' }
    await using elsewhere = await openProvider(() => listed)
    await using provider = await openProvider(({ path }) =>
      path === '/list' ? listed : { body: { reviews: numbered(1) } },
    )
    const place = createPlace()
    for (const url of [`${elsewhere.url}/list`, `${provider.url}/list`]) {
      const settings = {
        url: `${provider.url}/{product}`,
        headers: { 'x-key': 'hunter2' },
        products: { url },
      }
      await using poll = await place.open(settings, { name: url })
      await poll.take(1)
    }
    assert.equal(elsewhere.asked[0]?.headers['x-key'], undefined)
    assert.deepEqual(
      provider.asked.map(({ path, headers }) => `${path} ${String(headers['x-key'])}`),
      ['/A hunter2', '/list hunter2', '/A hunter2'],
    )
  })

  test('that names nothing is refused at the start', async () => {
    const opening = openProducts(parsed({ url: 'https://shop.example/list' }), {
      fetch: async () => Buffer.from('# none yet\n'),
      onTrouble: () => {},
      signal: here(),
    })
    await assert.rejects(opening, { code: 'CONFIG_INVALID', message: /found none/ })
  })
})
