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

  test('refuses numbers that are none', async () => {
    const { code, stderr } = await run(['simulate', '--count', 'many'])
    assert.equal(code, 2)
    assert.match(stderr, /--count: expected a whole number/)
  })
})
