import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { load } from '../../../src/config/load.ts'
import { jsonSchema, print } from '../../../src/config/print.ts'
import { HeadwaterError, TransientError } from '../../../src/errors.ts'
import { loadOwn } from '../../../src/sources/index.ts'
import { backends, rooms } from './rooms.ts'

const folder = await realpath(await mkdtemp(join(tmpdir(), 'headwater-own-')))
after(() => rm(folder, { recursive: true }))

const GOOD = `
import { duration, secret, z, type SourceAdapter } from 'headwater'
const config = z.strictObject({ shopId: z.int(), everyMs: duration().prefault('1s'), token: secret().optional() })
const mine: SourceAdapter<z.output<typeof config>> = {
  config,
  open: async () => ({ async *read() {}, async [Symbol.asyncDispose]() {} }),
}
export default mine
`

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

async function loaded(source: string, name = 'headwater.yaml') {
  const path = await write(name, `sources: [{ name: a, ${source} }]\n${backends}`)
  return load({ path, env: { SHOP: '7' } }, rooms)
}

async function problems(source: string): Promise<string[]> {
  const error: unknown = await loaded(source).catch((reason: unknown) => reason)
  assert.ok(error instanceof HeadwaterError && error.code === 'CONFIG_INVALID', String(error))
  return error.message.split('\n').slice(1)
}

test('a type that is a path is a module beside the config file, its keys checked like all others', async () => {
  const path = await write('good.ts', GOOD)
  const config = await loaded('type: ./good.ts, shop_id: "${SHOP}", every: 5s, token: hunter2')
  const [source] = config.sources
  assert.equal(source?.type, path)
  assert.deepEqual(source?.settings, { shopId: 7, everyMs: 5_000, token: 'hunter2' })
  assert.deepEqual(await problems('type: ./good.ts, shop_id: 7, evry: 1s, every: soon'), [
    'sources[0].evry: unknown key, did you mean "every"?',
    'sources[0].every: expected a duration such as 30s, found "soon"',
  ])
  await mkdir(join(folder, 'below'), { recursive: true })
  assert.equal((await loaded('type: ../good.ts, shop_id: 7', 'below/a.yaml')).sources[0]?.type, path)
})

test('it is printed as it is in force, without its secrets, and what is printed is a config', async () => {
  await write('good.ts', GOOD)
  const printed = await print(await loaded('type: good.ts, shop_id: 7, token: hunter2'), rooms)
  const { sources } = parse(printed) as { sources: Record<string, unknown>[] }
  const { type, shop_id, every, token } = sources[0] ?? {}
  assert.deepEqual([type, shop_id, every, token], [join(folder, 'good.ts'), 7, '1s', '***'])
})

test('whatever is wrong with a module is told at its type, with the place', async () => {
  const z = `import { z } from 'headwater'\n`
  const modules: readonly (readonly [name: string, text: string | undefined, problem: string])[] = [
    ['none.ts', undefined, 'none.ts: expected a module, found nothing there'],
    ['typo.ts', 'export default {\n  open:,\n}', 'typo.ts:2: '],
    ['enum.ts', 'enum A { B }\nexport default A', 'enum.ts:1: TypeScript enum is not supported'],
    ['throws.ts', '\n\nthrow new Error("no licence")', 'throws.ts:3: no licence'],
    ['lacks.ts', 'import "not-there"', "lacks.ts: Cannot find package 'not-there' imported from "],
    ['file.txt', 'text', 'file.txt: Unknown file extension ".txt"'],
    [
      'empty.ts',
      'export const a = 1',
      'empty.ts: expected a default export { config, open } with a schema and a function, found none',
    ],
    ['number.ts', 'export default 1', 'found a number'],
    [
      'shape.ts',
      'export default { config: {} }',
      'found { config: object that is no schema of zod 4, open: undefined }',
    ],
    [
      'loose.ts',
      `${z}export default { config: z.object({ a: z.string() }), open() {} }`,
      'loose.ts: expected config to be a z.strictObject',
    ],
    [
      'taken.ts',
      `${z}export default { config: z.strictObject({ preset: z.string(), missingUserId: z.string() }), open() {} }`,
      'taken.ts: every source has preset, missing_user_id already',
    ],
  ]
  for (const [name, text, problem] of modules) {
    if (text !== undefined) await write(name, text)
    const [found = '', ...more] = await problems(`type: ./${name}, and: more`)
    assert.deepEqual(more, [])
    assert.ok(found.startsWith(`sources[0].type: ${folder}/`) && found.includes(problem), found)
  }
})

test('only sources are modules, and a name without a slash or a dot is none', async () => {
  await write('queue.ts', GOOD)
  const path = await write('queue.yaml', 'queue: { type: ./queue.ts }\nstore: { type: disk }\n')
  await assert.rejects(load({ path, env: {} }, rooms), { message: /queue\.type: unknown ".\/queue.ts"/ })
  assert.match((await problems('type: good'))[0] ?? '', /^sources\[0\]\.type: unknown "good"/)
})

test('an error that a module throws is one of ours, wherever the module lies', async () => {
  const path = await write(
    'errors.ts',
    `import { TransientError, z } from 'headwater'
     export default { config: z.strictObject({}), open() { throw new TransientError('PROVIDER_UNAVAILABLE', 'asleep') } }`,
  )
  const { default: adapter } = await loadOwn(path)
  assert.throws(() => void adapter.open({}, {} as never), TransientError)
})

test('the JSON Schema for editors takes a path as the type, with any keys beside those of all sources', async () => {
  const { heavy: _, ...queues } = rooms.queues
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
    await jsonSchema({ ...rooms, queues }),
  )
  const valid = (source: object) =>
    validate({ sources: [{ name: 'a', ...source }], queue: { type: 'disk' }, store: { type: 'disk' } })
  assert.ok(valid({ type: './good.ts', shop_id: 7, origin: 'shop' }), JSON.stringify(validate.errors))
  assert.ok(!valid({ type: './good.ts', enabled: 'maybe' }))
  assert.ok(!valid({ type: 'good', shop_id: 7 }))
  assert.ok(!valid({ type: 'poll', shop_id: 7 }))
})
