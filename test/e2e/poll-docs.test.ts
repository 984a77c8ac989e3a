import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadPreset, presets } from '../../src/presets/index.ts'
import { run, start } from '../support/cli.ts'
import { eventually, json, rows } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'

const docs = join(import.meta.dirname, '../../docs')
const page = await readFile(join(docs, 'adapters/http-poll.md'), 'utf8')
const yaml = yamlIn(page)
const configs = yaml.filter((text) => text.startsWith('sources:'))
const [preset = ''] = yaml.filter((text) => text.startsWith('name:'))
Object.assign(process.env, { RAINFOREST_API_KEY: 'any', API_TOKEN: 'any', BAZAARVOICE_PASSKEY: 'any' })

function yamlIn(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)
}

interface Simulated {
  readonly reviews: number
  readonly product_id: string
}

/** Runs the line of the page that serves simulated reviews, on a port that is free. */
async function simulate(cwd: string, more: readonly string[] = []) {
  const [, line = ''] = /^bin\/headwater\.js simulate (.*) &$/m.exec(page) ?? []
  const args = line.replace(/--port \d+/, '--port 0').split(' ')
  const process = start(['simulate', ...args, ...more, '--json'], { cwd })
  const url = await process.waitFor((text) => (JSON.parse(text) as { url?: string }).url)
  return { process, url }
}

describe('the page of the poll source', () => {
  test('has four configs and a preset, and each is right', async () => {
    assert.equal(configs.length, 4)
    await using folder = await temporaryFolder()
    for (const config of configs) {
      await writeFile(join(folder.path, 'headwater.yaml'), config)
      const { code, stderr } = await run(['config', 'check'], { cwd: folder.path })
      assert.equal(code, 0, stderr)
    }
  })

  test('has an example that reads everything from the simulator', async () => {
    await using folder = await temporaryFolder()
    const { process, url } = await simulate(folder.path)
    await using _ = process
    const products = (await (await fetch(`${url}/products`)).json()) as Simulated[]
    const names = products.map(({ product_id: name }) => name)
    await writeFile(join(folder.path, 'products.txt'), names.join('\n'))
    const [first = ''] = configs
    const config = `${first.replace('http://127.0.0.1:8090', url)}http: { listen: "127.0.0.1:0" }\nadmin: { listen: "127.0.0.1:0" }\n`
    await writeFile(join(folder.path, 'headwater.yaml'), config)
    await using up = start(['up'], { cwd: folder.path })
    await up.waitFor(/Headwater is running/)
    const served = new Set<string>()
    for (const name of names) {
      for (let number = 1, more = true; more; number++) {
        const response = await fetch(`${url}/request?asin=${name}&page=${number}`)
        const { reviews } = (await response.json()) as { reviews: object[] }
        for (const review of reviews) served.add(JSON.stringify({ ...review, helpful_votes: 0 }))
        more = reviews.length > 0
      }
    }
    await eventually(async () => {
      const stored = await rows(folder.path)
      return stored.length === served.size ? stored : undefined
    }, `${served.size} reviews`)
    assert.equal((await up.stop('SIGINT')).code, 0)
  })

  test('has a preset that reads what the simulator serves without a shape', async () => {
    await using folder = await temporaryFolder()
    const { process, url } = await simulate(folder.path, ['--shape', 'canonical'])
    await using _ = process
    await writeFile(join(folder.path, 'acme.yaml'), preset)
    await writeFile(join(folder.path, 'page.json'), await (await fetch(`${url}/reviews`)).text())
    const tried = await run(['presets', 'try', './acme.yaml', 'page.json'], { cwd: folder.path })
    assert.equal(tried.code, 0, tried.stderr)
    const counts = await json<Record<string, number>>(
      ['import', 'page.json', '--preset', './acme.yaml'],
      folder.path,
    )
    assert.deepEqual([counts['received'], counts['rejected']], [10, 0])
  })
})

describe('the page of the presets', () => {
  test('asks every provider whose request a preset knows, and each example is right', async () => {
    const [config = ''] = yamlIn(await readFile(join(docs, 'presets.md'), 'utf8')).filter((text) =>
      text.startsWith('sources:'),
    )
    const asked = [...config.matchAll(/^    preset: (.*)$/gm)].map(([, name = '']) => name)
    const loaded = await Promise.all(Object.keys(presets).map(loadPreset))
    const known = loaded.flatMap(({ name, request }) => (request === undefined ? [] : [name]))
    assert.deepEqual(asked.toSorted(), known.toSorted())

    await assertRight(config)
  })
})

test('the first page of all has a config that is right', async () => {
  const readme = await readFile(join(docs, '../README.md'), 'utf8')
  const [config = ''] = yamlIn(readme)
  await assertRight(config)
})

async function assertRight(config: string): Promise<void> {
  const names = [...config.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)
  const secret = `whsec_${Buffer.alloc(24).toString('base64')}`
  const env = Object.fromEntries(names.map((name) => [name, secret]))
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'headwater.yaml'), config)
  const { code, stderr } = await run(['config', 'check'], { cwd: folder.path, env })
  assert.equal(code, 0, stderr)
}
