import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openFakeVault, type Vault } from '../../support/fake-vault.ts'
import { allowOnlyLoopback } from '../../support/only-loopback.ts'
import { HELD } from '../../support/provider.ts'
import { temporaryFolder } from '../../support/temp.ts'
import { paramsOf, problemsOf } from './params.ts'

const elsewhere = allowOnlyLoopback()
const { HEADWATER_TEST_VAULT_ADDR: url, HEADWATER_TEST_VAULT_TOKEN: rootToken } = process.env
const vault: Vault =
  url && rootToken ? { url, rootToken, async [Symbol.asyncDispose]() {} } : await openFakeVault()
after(() => vault[Symbol.asyncDispose]())

/** So that a real server may have been tested before. */
const place = `headwater-${process.pid}`
const second = `${place}-v2`
const first = `${place}/v1`
let env: Readonly<Record<string, string>> = {}

async function write(method: string, path: string, body?: object | string): Promise<unknown> {
  const sent = typeof body === 'string' ? body : JSON.stringify(body)
  const headers = { 'x-vault-token': vault.rootToken }
  const reply = await fetch(`${vault.url}/v1/${path}`, { method, headers, ...(sent && { body: sent }) })
  const text = await reply.text()
  assert.ok(reply.ok, `${method} ${path}: ${reply.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

before(async () => {
  await write('POST', `sys/mounts/${second}`, { type: 'kv', options: { version: '2' } })
  await write('POST', `sys/mounts/${first}`, { type: 'kv', options: { version: '1' } })
  await write('POST', `${second}/data/app/db`, {
    data: { password: 'hunter2', port: 5432, tls: true, deep: {} },
  })
  await write('POST', `${second}/data/app/gone`, { data: { password: 'hunter2' } })
  await write('DELETE', `${second}/data/app/gone`)
  await write('POST', `${second}/data/other`, { data: { password: 'hunter2' } })
  await write('POST', `${first}/app`, '{"pin":12345678901234567890,"a b/c":"hunter3"}')
  const rule = (path: string): string => `path "${path}" {\n  capabilities = ["read"]\n}\n`
  await write('PUT', `sys/policies/acl/${place}`, {
    policy: rule(`${second}/data/app/*`) + rule(`${first}/*`),
  })
  env = { VAULT_ADDR: vault.url, VAULT_TOKEN: await createToken(place) }
})

async function createToken(policy: string): Promise<string> {
  const created = await write('POST', 'auth/token/create', { policies: [policy] })
  return (created as { auth: { client_token: string } }).auth.client_token
}

test('reads members of secrets of both versions of the key-value engine', async () => {
  const values = await paramsOf(
    {
      password: `\${vault:${second}/app/db#password}`,
      url: `postgres://\${vault:${second}/data/app/db#port}/x?tls=\${vault:/${second}/app/db/#tls}`,
      digits: `\${vault:${first}/app#pin}`,
      odd: `\${vault:${first}/app#a b/c}`,
    },
    { env },
  )
  assert.deepEqual(values, {
    password: 'hunter2',
    url: 'postgres://5432/x?tls=true',
    digits: '12345678901234567890',
    odd: 'hunter3',
  })
})

test('tells what is missing and what is not allowed', async () => {
  const found = await problemsOf(
    {
      none: `\${vault:${second}/app/none#password}`,
      gone: `\${vault:${second}/app/gone#password}`,
      none_in_first: `\${vault:${first}/none#password}`,
      key: `\${vault:${second}/app/db#pasword}`,
      deep: `\${vault:${second}/app/db#deep}`,
      other: `\${vault:${second}/other#password}`,
      engine: `\${vault:${second}#password}`,
      nowhere: '${vault:nowhere/app#password}',
    },
    { env },
  )
  assert.deepEqual(found, {
    none: `vault:${second}/app/none: there is none at this path`,
    gone: `vault:${second}/app/gone: there is none at this path`,
    none_in_first: `vault:${first}/none: there is none at this path`,
    key: `vault:${second}/app/db: it has no key "pasword"`,
    deep: `vault:${second}/app/db: its key "deep" is neither a text, a number, true nor false`,
    other: `vault:${second}/other: the token is not accepted, or may not read this path (1 error occurred: * permission denied)`,
    engine: `vault:${second}: expected a secret in ${second}/, found the engine itself`,
    nowhere: `vault:nowhere/app: the token is not accepted, or may not read this path (preflight capability check returned 403, please ensure client's policies grant access to path "nowhere/app/")`,
  })
})

test('the policy of docs/secrets.md lets read what the page says, and nothing else', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/secrets.md'), 'utf8')
  const policy = /^```hcl\n(.*?)^```$/ms.exec(page)?.[1]?.replace('secret/', `${second}/`)
  await write('PUT', `sys/policies/acl/${place}-page`, { policy })
  await write('POST', `${second}/data/headwater/admin`, { data: { token: 'hunter2' } })
  const token = await createToken(`${place}-page`)
  const values = await paramsOf(
    { a: `\${vault:${second}/headwater/admin#token}` },
    { env: { ...env, VAULT_TOKEN: token } },
  )
  assert.deepEqual(values, { a: 'hunter2' })
  const found = await problemsOf(
    { a: `\${vault:${second}/other#password}` },
    { env: { ...env, VAULT_TOKEN: token } },
  )
  assert.match(found['a'] ?? '', /: the token is not accepted, or may not read this path \(/)
})

test('reads nothing but key-value secrets', async () => {
  const root = { ...env, VAULT_TOKEN: vault.rootToken }
  assert.deepEqual(await problemsOf({ a: '${vault:sys/health#version}' }, { env: root }), {
    a: 'vault:sys/health: expected a key-value engine, found system',
  })
})

test('takes the token from a file, and says so where there is none', async () => {
  await using folder = await temporaryFolder()
  const { VAULT_TOKEN: token = '', ...rest } = env
  const a = `\${vault:${second}/app/db#password}`
  const file = join(folder.path, 'token')
  await writeFile(file, `${token}\n`)
  assert.deepEqual(await paramsOf({ a }, { env: { ...rest, VAULT_TOKEN_FILE: file } }), { a: 'hunter2' })
  const wanting: readonly (readonly [Record<string, string>, string])[] = [
    [rest, 'there is no token: set VAULT_TOKEN or VAULT_TOKEN_FILE'],
    [
      { ...rest, VAULT_TOKEN_FILE: `${file}s` },
      `VAULT_TOKEN_FILE: cannot read the file ${file}s: it does not exist`,
    ],
    [
      { ...rest, VAULT_TOKEN: 'hvs.wrong' },
      'the token is not accepted, or may not read this path (2 errors occurred: * permission denied * invalid token)',
    ],
    [{ VAULT_TOKEN: token }, 'VAULT_ADDR must be an address such as https://vault.example:8200'],
    [
      { VAULT_TOKEN: token, VAULT_ADDR: 'vault:8200' },
      'VAULT_ADDR must be an address such as https://vault.example:8200',
    ],
  ]
  for (const [broken, problem] of wanting) {
    assert.deepEqual(await problemsOf({ a }, { env: broken }), { a: `vault:${second}/app/db: ${problem}` })
  }
})

test('a path without a key, or that is none, is wrong before anybody is asked', async () => {
  const found = await problemsOf(
    {
      a: '${vault:kv/app}',
      b: '${vault:kv/../sys/health#x}',
      c: '${vault:#x}',
      d: '${vault:kv//app#x}',
      e: '${vault:kv/app#}',
    },
    { env: { VAULT_ADDR: 'http://127.0.0.1:1', VAULT_TOKEN: 'hvs.x' } },
  )
  assert.deepEqual(found, {
    a: 'expected ${vault:PATH#KEY}, found "${vault:kv/app}"',
    b: 'expected ${vault:PATH#KEY}, found "${vault:kv/../sys/health#x}"',
    c: 'expected ${vault:PATH#KEY}, found "${vault:#x}"',
    d: 'expected ${vault:PATH#KEY}, found "${vault:kv//app#x}"',
    e: 'expected ${vault:PATH#KEY}, found "${vault:kv/app#}"',
  })
})

test('names the namespace where there is one', async () => {
  await using fake = await openFakeVault()
  const to = { VAULT_ADDR: `${fake.url}/`, VAULT_TOKEN: fake.rootToken }
  await problemsOf({ a: '${vault:kv/app#x}' }, { env: to })
  await problemsOf({ a: '${vault:kv/app#x}' }, { env: { ...to, VAULT_NAMESPACE: 'team' } })
  assert.deepEqual(
    fake.asked.map(({ path, headers }) => [path, headers['x-vault-namespace']]),
    [
      ['/v1/sys/internal/ui/mounts/kv/app', undefined],
      ['/v1/sys/internal/ui/mounts/kv/app', 'team'],
    ],
  )
})

test('asks again where Vault is unwell, and tells what it says without the token', async () => {
  await using fake = await openFakeVault()
  const token = 'hvs.hunter2'
  const to = { VAULT_ADDR: fake.url, VAULT_TOKEN: token }
  fake.answerWith(({ headers }) => {
    const told = [`Vault is sealed ${String(headers['x-vault-token'])}`]
    return { status: 503, body: { errors: told } }
  })
  assert.deepEqual(await problemsOf({ a: '${vault:kv/app#x}' }, { env: to }), {
    a: 'vault:kv/app: the request failed with status 503 (Vault is sealed ***)',
  })
  assert.equal(fake.asked.length, 3)

  let failures = 2
  fake.answerWith(({ path }) => {
    if (failures-- > 0) return { status: 503, body: { errors: ['Vault is sealed'] } }
    const engine = { path: 'kv/', type: 'kv', options: null }
    return { status: 200, body: { data: path.includes('/mounts/') ? engine : { x: 'hunter2' } } }
  })
  assert.deepEqual(await paramsOf({ a: '${vault:kv/app#x}' }, { env: to }), { a: 'hunter2' })
})

test('follows nobody who sends it elsewhere with the token', async () => {
  await using fake = await openFakeVault()
  await using other = await openFakeVault()
  fake.answerWith(({ path }) => ({ status: 307, headers: { location: `${other.url}${path}` }, body: '' }))
  const to = { VAULT_ADDR: fake.url, VAULT_TOKEN: other.rootToken }
  assert.deepEqual(await problemsOf({ a: '${vault:kv/app#x}' }, { env: to }), {
    a: 'vault:kv/app: this server is on standby: VAULT_ADDR must be the address of the active one',
  })
  assert.deepEqual(other.asked, [])
})

test('says where nobody was reached, and where no answer came in time', async () => {
  const fake = await openFakeVault()
  const to = { VAULT_ADDR: fake.url, VAULT_TOKEN: fake.rootToken }
  fake.answerWith(() => HELD)
  assert.deepEqual(await problemsOf({ a: '${vault:kv/app#x}' }, { env: to, deadlineMs: 100 }), {
    a: 'vault:kv/app: no answer within 100 ms',
  })
  await fake[Symbol.asyncDispose]()
  assert.deepEqual(await problemsOf({ a: '${vault:kv/app#x}' }, { env: to }), {
    a: `vault:kv/app: cannot reach ${fake.url}: ECONNREFUSED`,
  })
})

test('what answers in place of Vault is not believed', async () => {
  await using fake = await openFakeVault()
  const to = { VAULT_ADDR: fake.url, VAULT_TOKEN: fake.rootToken }
  fake.answerWith(() => ({ status: 200, body: '<html>hunter2' }))
  assert.deepEqual(await problemsOf({ a: '${vault:kv/app#x}' }, { env: to }), {
    a: 'vault:kv/app: expected a key-value engine, found another answer',
  })
  fake.answerWith(({ path }) => {
    const engine = { path: 'kv/', type: 'kv', options: { version: '2' } }
    return { status: 200, body: { data: path.includes('/mounts/') ? engine : { x: 'hunter2' } } }
  })
  assert.deepEqual(await problemsOf({ a: '${vault:kv/app#x}' }, { env: to }), {
    a: 'vault:kv/app: the answer holds no secret',
  })
})

test('no connection left this machine', () => assert.deepEqual(elsewhere, []))
