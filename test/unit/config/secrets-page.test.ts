import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { load } from '../../../src/config/load.ts'
import { managers as allManagers, type Managers } from '../../../src/config/secrets/index.ts'
import type { ReadSecret } from '../../../src/config/secrets/secret-manager.ts'
import { temporaryFolder } from '../../support/temp.ts'
import { paramsOf } from './params.ts'

const page = await readFile(join(import.meta.dirname, '../../../docs/secrets.md'), 'utf8')
const references = [...page.matchAll(/(?<!\$)\$\{[^{}`]+\}/g)].map(([text]) => text)
const env = { NAME: 's', INHOUSE_SECRET: 's' }

/** The managers as they are, but for their servers: every secret there is has the keys that the page names. */
function withoutServers(asked: Set<string>): Managers {
  const keys = references.flatMap((text) => /#(.+)\}$/.exec(text)?.[1] ?? [])
  const secret = JSON.stringify(Object.fromEntries(keys.map((key) => [key, 's'])))
  const entries = Object.entries(allManagers).map(([prefix, loadManager]) => {
    const read: ReadSecret = async () => {
      asked.add(prefix)
      return { value: secret }
    }
    const loaded = async () => ({ default: { ...(await loadManager()).default, open: async () => read } })
    return [prefix, loaded] as const
  })
  return Object.fromEntries(entries)
}

test('every reference of docs/secrets.md is one, and every manager has one', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'secret')
  await writeFile(file, 's')
  const asked = new Set<string>()
  const params = references.map((text, n) => [n, text.replace(/\/run\/secrets\/\w+/, file)] as const)
  const values = await paramsOf(Object.fromEntries(params), { managers: withoutServers(asked), env })
  assert.equal(Object.keys(values).length, references.length)
  assert.deepEqual(asked, new Set(Object.keys(allManagers)))
})

test('the example of docs/secrets.md is a config, and its policy is JSON', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'secret')
  await writeFile(file, 's')
  const path = join(folder.path, 'headwater.yaml')
  await writeFile(path, block('yaml').replace('/run/secrets/partner', file))
  const { sources, admin } = await load({ path, env, managers: withoutServers(new Set()) })
  assert.equal(admin.token, 's')
  assert.equal(sources.length, 4)
  assert.partialDeepStrictEqual(JSON.parse(block('json')), {
    Statement: [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue' }],
  })
})

function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1] ?? ''
}
