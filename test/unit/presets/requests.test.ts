import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toCode } from '../../../src/config/names.ts'
import { sectionShape } from '../../../src/config/print.ts'
import { loadPreset, presets } from '../../../src/presets/index.ts'
import { sources } from '../../../src/sources/index.ts'

const { config } = (await sources['http-poll']()).default
const shape = await sectionShape('sources', 'http-poll', sources)
const asked = await Promise.all(Object.keys(presets).map(loadPreset))
const requests = asked.flatMap(({ name, request }) => (request === undefined ? [] : [{ name, request }]))

/** A request with what a user adds: the products, and a url where the preset can't know it. */
function completed(request: Record<string, unknown>): Record<string, unknown> {
  const url = request['url'] ?? 'https://api.example.com/reviews'
  const products = JSON.stringify(request).includes('{product}') ? { products: ['B0TESTLAMP'] } : {}
  return { ...request, url, ...products }
}

describe('how a preset asks its provider', () => {
  test('is known of those that answer at once', () => {
    const names = requests.map(({ name }) => name)
    for (const name of [
      'rainforest',
      'omkar',
      'rapidapi-amazon',
      'judgeme',
      'yotpo',
      'bazaarvoice',
      'app-store',
    ])
      assert.ok(names.includes(name), name)
  })

  for (const { name, request } of requests) {
    test(`is a config of http-poll: ${name}`, () => {
      const unknown: string[] = []
      const settings = toCode(completed(request), shape, [], (path) => unknown.push(path.join('.')))
      assert.deepEqual(unknown, [])
      config.parse(settings)
    })

    test(`holds no key, and sends none in clear: ${name}`, () => {
      const text = JSON.stringify(request)
      assert.doesNotMatch(text, /api_?key|token|passkey|authorization|password/i)
      assert.doesNotMatch(text, /"http:/)
    })
  }
})
