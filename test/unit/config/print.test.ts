import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { z } from 'zod'
import { load } from '../../../src/config/load.ts'
import { jsonSchema, print } from '../../../src/config/print.ts'
import { REFERENCE, reference } from '../../../src/config/reference.ts'
import { shapeOf } from '../../../src/config/shape.ts'
import { rooms } from './rooms.ts'

const TEXT = `
sources:
  - { name: a, type: poll, every: 90s, page_size: "\${N}", params: { api_key: hunter2, q: "\${S}" }, url: "https://u:hunter2@h.test/" }
  - { name: b, type: hook, verify: { scheme: signed, secrets: [hunter2, "\${S}"] } }
queue: { type: disk }
store: { type: disk }
registry: { type: other }
admin: { listen: "[::]:9000", token: hunter2 }
`

test('prints what is in force, without a secret, as users write it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-print-'))
  const path = join(folder, 'a.yaml')
  await writeFile(path, TEXT)
  const printed = await print(await load({ path, env: { S: 'hunter2', N: '3' } }, rooms), rooms)
  await rm(folder, { recursive: true })

  assert.doesNotMatch(printed, /hunter2/)
  const { sources, registry, admin } = parse(printed) as Record<string, Record<string, unknown>[]>
  assert.equal(sources?.[0]?.['every'], '90s')
  assert.equal(sources[0]['timeout'], '5s')
  assert.equal(sources[0]['max_bytes'], '10MiB')
  assert.equal(sources[0]['page_size'], '${N}')
  assert.equal(sources[0]['url'], 'https://u:***@h.test/')
  assert.deepEqual(sources[0]['params'], { api_key: '***', q: '${S}' })
  assert.deepEqual(sources[1]?.['verify'], { scheme: 'signed', secrets: ['***', '***'], tolerance: '5m' })
  assert.deepEqual(registry, { type: 'other' })
  assert.deepEqual(admin, { listen: '[::]:9000', token: '***' })
})

test('looks at the schema of a section once, however many sections have it', () => {
  const schema = z.strictObject({ every: z.string() })
  assert.equal(shapeOf(schema), shapeOf(schema))
})

test('the JSON Schema takes what is right and refuses what is wrong', async () => {
  const { heavy: _, ...queues } = rooms.queues
  const schema = await jsonSchema({ ...rooms, queues })
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
  const right = parse(TEXT) as { sources: [Record<string, unknown>] }
  assert.ok(validate(right), JSON.stringify(validate.errors))
  for (const wrong of [{ every: 3, pageSize: 1 }, { type: 'hook' }, { page_size: 'many' }]) {
    assert.ok(!validate({ ...right, sources: [{ ...right.sources[0], ...wrong }] }), JSON.stringify(wrong))
  }
})

test('docs/configuration.md is current: npm run docs', async (t) => {
  const text = await present(t, reference)
  if (text !== undefined) assert.equal(await readFile(REFERENCE, 'utf8'), text)
})

test('the example config and the default are right', async (t) => {
  const path = join(import.meta.dirname, '../../../headwater.yaml')
  const example = await present(t, () => load({ path, env: {} }))
  assert.deepEqual(example?.sources.map(({ name }) => name) ?? [], example ? ['simulator', 'webhook'] : [])
  const fallback = await present(t, () => load({ env: {}, folder: import.meta.dirname }))
  assert.deepEqual(fallback?.sources.map(({ name }) => name) ?? [], fallback ? ['webhook'] : [])
})

/** Undefined, and the test skipped, while an adapter of the list has no file. */
async function present<T>(t: TestContext, make: () => Promise<T>): Promise<T | undefined> {
  try {
    return await make()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    t.skip(`an adapter is missing: ${error.message}`)
    return undefined
  }
}
