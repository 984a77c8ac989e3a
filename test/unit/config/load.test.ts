import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { load } from '../../../src/config/load.ts'
import { HeadwaterError } from '../../../src/errors.ts'
import { backends, rooms } from './rooms.ts'

const folder = await mkdtemp(join(tmpdir(), 'headwater-config-'))
after(() => rm(folder, { recursive: true }))
let files = 0

async function loaded(text: string, env: Record<string, string> = {}) {
  const path = join(folder, `${++files}.yaml`)
  await writeFile(path, text)
  return load({ path, env, folder }, rooms)
}

async function problems(text: string, env: Record<string, string> = {}): Promise<string[]> {
  const error: unknown = await loaded(text, env).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof HeadwaterError, `expected problems, got ${String(error)}`)
  assert.equal(error.code, 'CONFIG_INVALID')
  return error.message.split('\n').slice(1)
}

test('users write snake_case and units, code reads camelCase and numbers', async () => {
  const { sources, queue } = await loaded(`
sources:
  - { name: a, type: poll, every: 90s, timeout: 250ms, max_bytes: 64KiB, page_size: 5, params: { api_key: k, maxItems: "1" } }
  - { name: b, type: hook, origin: shop, missing_user_id: derive, verify: { scheme: shared, header_name: h, secrets: [s] } }
queue: { type: disk, topics: { dead_letters: dead } }
store: { type: disk }
`)
  assert.deepEqual(sources[0]?.settings, {
    every: 90_000,
    timeoutMs: 250,
    maxBytes: 65_536,
    share: 0.5,
    pageSize: 5,
    url: 'http://provider.test/',
    params: { api_key: 'k', maxItems: '1' },
  })
  assert.deepEqual(sources[1], {
    name: 'b',
    type: 'hook',
    origin: 'shop',
    preset: 'canonical',
    enabled: true,
    missingUserId: 'derive',
    missingReviewId: 'reject',
    versions: 'content',
    settings: { verify: { scheme: 'shared', headerName: 'h', secrets: ['s'] } },
  })
  assert.deepEqual(queue.topics, { reviews: 'raw-reviews', deadLetters: 'dead' })
})

test('what is left out has its default', async () => {
  const config = await loaded(backends)
  assert.deepEqual(config.sources, [])
  assert.deepEqual(config.http, {
    listen: { host: '127.0.0.1', port: 8080 },
    requestTimeoutMs: 60_000,
    maxConnections: 2_000,
  })
  assert.deepEqual(config.admin, { listen: { host: '127.0.0.1', port: 8081 } })
  assert.equal(config.log.level, 'info')
  assert.equal(config.registry, config.store)
  assert.equal(config.dataDir, join(folder, 'data'))
})

test('tells all problems at once, each with its path', async () => {
  const found = await problems(`
sources:
  - { name: a, type: poll, every: soon, share: 2, pageSize: 3, evry: 1s }
  - { name: a, type: hook, path: 3, verify: { scheme: shared, secrets: [3], tolerance: 1s } }
  - { name: "b c", type: hook, verify: { scheme: singed } }
  - { name: d, type: pol }
  - { name: e, type: poll }
queue: { type: disk, topics: { reviews: x, dead_letters: x } }
regsitry: {}
admin: { listen: "0.0.0.0:1" }
log: { level: loud }
`)
  assert.deepEqual(found.toSorted(), [
    'admin.token: needed, since other machines can reach admin.listen',
    'log.level: expected "debug" or "info" or "warn" or "error", found "loud"',
    'queue.topics: expected two different topics',
    'regsitry: unknown key, did you mean "registry"?',
    'sources[0].every: expected a duration such as 30s, found "soon"',
    'sources[0].evry: unknown key, did you mean "every"?',
    'sources[0].pageSize: unknown key, did you mean "page_size"?',
    'sources[0].share: expected a number from 0 up to 1, found 2',
    'sources[1].name: expected a name of its own, sources[0] has "a" too',
    'sources[1].path: expected a text, found 3',
    'sources[1].verify.secrets[0]: expected a text, found a number that is not shown',
    'sources[1].verify.tolerance: unknown key here, there are scheme, secrets, header_name',
    'sources[2].name: expected up to 64 letters, digits and inner hyphens, found "b c"',
    'sources[2].verify.scheme: expected "signed" or "shared", found "singed"',
    'sources[3].type: unknown "pol", did you mean "poll"? (there are hook, poll)',
    'sources[4].every: expected a duration such as 30s, but it is missing',
    'store: expected a mapping such as { type: embedded }, but it is missing',
  ])
})

test('a bare number was read as milliseconds: a duration has a unit, but for 0', async () => {
  const poll = (every: string) => `sources: [{ name: a, type: poll, every: ${every} }]\n${backends}`
  const { sources } = await loaded(poll('0'))
  assert.partialDeepStrictEqual(sources[0]?.settings, { every: 0 })
  for (const bare of ['30', '1.5', '"30"'])
    assert.deepEqual(await problems(poll(bare)), [
      `sources[0].every: expected a duration such as 30s, found ${bare}`,
    ])
})

test('infinity was told as nothing, and one as many: problems say what was found', async () => {
  assert.deepEqual(
    await problems(
      'sources: [{ name: a, type: poll, every: 1s, page_size: 1e400, max_bytes: [] }, hook]\n' +
        'queue: { type: disk, topics: { reviews: "" } }\nstore: disk',
    ),
    [
      'sources[1]: expected a mapping, found "hook"',
      'store: expected a mapping such as { type: embedded }, found "disk"',
      'sources[0].max_bytes: expected a size such as 10MiB, found an empty list',
      'sources[0].page_size: expected a whole number from 1, found Infinity',
      'queue.topics.reviews: expected at least 1 character, found ""',
    ],
  )
})

test('replaces references, also where a number is meant', async () => {
  const secret = join(folder, 'secret')
  await writeFile(secret, 'from a file\n')
  const { sources } = await loaded(
    `sources: [{ name: "\${NAME:-a}", type: poll, every: "\${E}", page_size: "\${N}", url: "\${file:${secret}}", params: { x: "$\${E}-\${N}" } }]
${backends}`,
    { E: '5m', N: '7' },
  )
  assert.equal(sources[0]?.name, 'a')
  const settings = sources[0].settings as Record<string, unknown>
  assert.deepEqual(
    [settings['every'], settings['pageSize'], settings['url'], settings['params']],
    [300_000, 7, 'from a file', { x: '${E}-7' }],
  )
})

test('names the variables and files that are missing', async () => {
  const text = `sources: [{ name: a, type: poll, every: "\${NOPE}", url: "\${file:/no/such/file}", params: { x: "\${aws:y}" } }]\n${backends}`
  const found = await problems(text)
  assert.deepEqual(found.toSorted(), [
    'sources[0].every: the environment has no variable NOPE',
    'sources[0].params.x: expected ${NAME}, ${NAME:-default}, ${file:/path}, ${aws-sm:NAME#KEY}, ${gcp-sm:projects/PROJECT/secrets/SECRET#KEY} or ${vault:PATH#KEY}, found "${aws:y}"; a literal ${ is written $${',
    'sources[0].url: cannot read the file /no/such/file: it does not exist',
  ])
})

test('never shows a secret or what came out of a reference', async () => {
  const found = await problems(
    `sources: [{ name: a, type: poll, every: "\${S}", share: "\${S}" }, { name: b, type: hook, path: "http://u:hunter2@h/?token=hunter2", verify: { scheme: signed, secrets: [12345] } }]\n${backends}`,
    { S: 'hunter2' },
  )
  assert.equal(found.length, 4)
  assert.doesNotMatch(found.join('\n'), /hunter2|12345/)
})

test('faults of YAML come with their line', async () => {
  assert.match((await problems('a: 1\na: 2\n'))[0] ?? '', /^line 2, column 1: Map keys must be unique/)
  assert.match((await problems('queue: { type: disk\n'))[0] ?? '', /^line \d, column \d+: /)
  const bomb = `a: &a [${Array.from({ length: 60 }, () => 1).join()}]\nb: &b [*a,*a,*a,*a]\nc: [${'*b,'.repeat(40)}*b]\n`
  assert.match((await problems(bomb))[0] ?? '', /alias/i)
  assert.ok((await problems('a: &a [*a, *a]')).includes('a[0]: contains itself'))
})

test('JSON works too', async () => {
  const { sources } = await loaded(
    '{"sources":[{"name":"a","type":"hook"}],"queue":{"type":"disk"},"store":{"type":"disk"}}',
  )
  assert.equal(sources[0]?.name, 'a')
})

test('is frozen through and through', async () => {
  const config = await loaded(`sources: [{ name: a, type: poll, every: 1s, params: { x: y } }]\n${backends}`)
  const [source] = config.sources
  const { params } = Object(source?.settings) as Record<string, unknown>
  assert.deepEqual(params, { x: 'y' })
  for (const part of [config, source, config.http.listen, params]) assert.ok(Object.isFrozen(part))
})

test('takes headwater.yaml where no file is named, and says so where a named one is missing', async () => {
  await writeFile(join(folder, 'headwater.yaml'), `${backends}log: { level: warn }\n`)
  const config = await load({ env: {}, folder, args: { data: 'elsewhere' } }, rooms)
  assert.equal(config.log.level, 'warn')
  assert.equal(config.dataDir, join(folder, 'elsewhere'))
  await assert.rejects(load({ path: join(folder, 'none.yaml'), env: {} }, rooms), {
    code: 'CONFIG_INVALID',
    message: /cannot read .*none\.yaml: it does not exist/,
  })
})
