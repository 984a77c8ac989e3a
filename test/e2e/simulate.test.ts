import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { run, start } from '../support/cli.ts'
import { json } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'

async function serve(folder: string, ...args: readonly string[]) {
  const process = start(['simulate', '--port', '0', '--json', ...args], { cwd: folder })
  const url = await process.waitFor((line) => (JSON.parse(line) as { url?: string }).url)
  return { process, url }
}

describe('the simulator as a server', () => {
  for (const [shape, path] of [
    ['canonical', '/reviews?product='],
    ['rainforest', '/request?asin='],
    ['bazaarvoice', '/data/reviews.json?Filter=ProductId:'],
  ] as const) {
    test(`serves pages in the shape of ${shape} that its preset reads`, async () => {
      await using folder = await temporaryFolder()
      const { process, url } = await serve(folder.path, '--shape', shape, '--count', '200')
      await using _ = process
      const products = (await (await fetch(`${url}/products`)).json()) as {
        product_id: string
        reviews: number
      }[]
      assert.equal(
        products.reduce((sum, { reviews }) => sum + reviews, 0),
        200,
      )
      const [first] = products
      const page = await (await fetch(`${url}${path}${first?.product_id}&page=1`)).text()
      assert.equal(
        await (await fetch(`${url}${path}${first?.product_id}&page=1`)).text(),
        page,
        'the same every time',
      )
      const body =
        shape === 'canonical' ? JSON.stringify((JSON.parse(page) as { reviews: object[] }).reviews) : page
      await writeFile(join(folder.path, 'page.json'), body)
      const counts = await json<Record<string, number>>(
        ['import', 'page.json', '--preset', shape],
        folder.path,
      )
      assert.ok((counts['stored'] ?? 0) > 0)
      assert.equal(counts['rejected'], 0)
      assert.equal((await process.stop('SIGINT')).code, 0)
    })
  }

  test('can be hostile, and tells of it what was sent and what was wrong', async () => {
    await using folder = await temporaryFolder()
    const args = ['--hostile', '--malice', '1', '--seed', '7', '--count', '100', '--products', '1']
    const { process, url } = await serve(folder.path, ...args, '--shape', 'rainforest', '--page-size', '50')
    await using _ = process
    const get = async <T>(path: string, method = 'GET'): Promise<T> =>
      (await (await fetch(url + path, { method })).json()) as T
    const [product] = await get<{ product_id: string }[]>('/products')
    const page = `${url}/request?asin=${product?.product_id}&page=1`
    const asked = Array.from({ length: 21 }, () => fetch(page, { redirect: 'manual' }))
    const answers = await Promise.allSettled(asked)
    const isLimited = answers.some((one) => one.status === 'fulfilled' && one.value.status === 429)
    assert.ok(isLimited)
    assert.notDeepEqual(await get('/violations'), [])
    await get('/kind', 'POST')
    const { isKind, requests } = await get<{ isKind: boolean; requests: number }>('/state')
    assert.deepEqual({ isKind, requests }, { isKind: true, requests: 21 })
    assert.ok(Array.isArray(await get('/truth')))
    assert.equal((await process.stop('SIGINT')).code, 0)
  })

  test('refuses numbers that are none', async () => {
    const { code, stderr } = await run(['simulate', '--count', 'many'])
    assert.equal(code, 2)
    assert.match(stderr, /--count: expected a whole number/)
    const paced = await run(['simulate', '--hostile', '--pace', '0.01'])
    assert.equal(paced.code, 2)
    assert.match(paced.stderr, /--pace: expected a number from 0.1 to 100, found "0.01"/)
  })
})
