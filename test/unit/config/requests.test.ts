import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parse } from 'yaml'
import { load } from '../../../src/config/load.ts'
import { print } from '../../../src/config/print.ts'
import { loadPreset } from '../../../src/presets/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'headwater-requests-'))
after(() => rm(folder, { recursive: true }))
let files = 0

async function loaded(source: object) {
  const path = join(folder, `${++files}.yaml`)
  const config = { sources: [{ name: 'shop', type: 'http-poll', products: ['B1'], ...source }] }
  await writeFile(
    path,
    JSON.stringify({ ...config, queue: { type: 'embedded' }, store: { type: 'embedded' } }),
  )
  return load({ path, env: { KEY: 'hunter2' }, folder })
}

async function settingsOf(source: object): Promise<Record<string, unknown>> {
  const { sources } = await loaded(source)
  return sources[0]?.settings as Record<string, unknown>
}

describe('how a provider is asked', () => {
  test('is known to its preset: products and a key are enough', async () => {
    const settings = await settingsOf({ preset: 'rainforest', params: { api_key: '${KEY}' } })
    assert.equal(settings['url'], 'https://api.rainforestapi.com/request')
    assert.deepEqual(settings['params'], {
      type: 'reviews',
      amazon_domain: 'amazon.com',
      asin: '{product}',
      sort_by: 'most_recent',
      show_different_asins: 'false',
      api_key: 'hunter2',
    })
    assert.partialDeepStrictEqual(settings['paging'], { kind: 'page', param: 'page', max: 500 })
  })

  test('is what the user writes where both say it; params and headers are added to', async () => {
    const settings = await settingsOf({
      preset: 'rainforest',
      url: 'https://proxy.example/request',
      params: { amazon_domain: 'amazon.de' },
      paging: { kind: 'none' },
    })
    assert.equal(settings['url'], 'https://proxy.example/request')
    assert.partialDeepStrictEqual(settings['params'], { amazon_domain: 'amazon.de', asin: '{product}' })
    assert.deepEqual(settings['paging'], { kind: 'none' })
  })

  test('must be told where the preset knows nothing of it', async () => {
    await assert.rejects(loaded({ preset: 'canonical' }), /sources\[0\]\.url: expected .*it is missing/)
  })

  test('is left to whoever opens the source where nobody knows the preset', async () => {
    const settings = await settingsOf({ preset: 'rainforst', url: 'https://shop.example/{product}' })
    assert.equal(settings['url'], 'https://shop.example/{product}')
    await assert.rejects(loadPreset('rainforst'), { code: 'CONFIG_INVALID', message: /found "rainforst"/ })
  })

  test('is printed with the key hidden', async () => {
    const printed = await print(await loaded({ preset: 'rainforest', params: { api_key: '${KEY}' } }))
    assert.doesNotMatch(printed, /hunter2/)
    const { sources } = parse(printed) as { sources: { params: Record<string, string> }[] }
    assert.equal(sources[0]?.params['api_key'], '***')
  })
})
