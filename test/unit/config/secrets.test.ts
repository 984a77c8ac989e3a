import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { parse } from 'yaml'
import { jsonSchema, print } from '../../../src/config/print.ts'
import { createManager as createAwsManager } from '../../../src/config/secrets/aws-sm.ts'
import { createManager as createGoogleManager } from '../../../src/config/secrets/gcp-sm.ts'
import type { Managers } from '../../../src/config/secrets/index.ts'
import type { ReadSecret } from '../../../src/config/secrets/secret-manager.ts'
import { run } from '../../support/cli.ts'
import { openFakeAwsSecretsManager } from '../../support/fake-aws-secrets-manager.ts'
import { openFakeVault } from '../../support/fake-vault.ts'
import { allowOnlyLoopback } from '../../support/only-loopback.ts'
import { temporaryFolder } from '../../support/temp.ts'
import { loadParams, paramsOf, problemsOf } from './params.ts'
import { rooms } from './rooms.ts'

const elsewhere = allowOnlyLoopback()

/** A manager that is only a function, to show what all have in common. */
function onlyTest(read: ReadSecret): Managers {
  const manager = {
    form: 'test:NAME#KEY',
    needsKey: false,
    fullName: (written: string) => (/^\w+$/.test(written) ? written : undefined),
    open: async () => read,
  }
  return { test: async () => ({ default: manager }) }
}

test('a secret is fetched once however often it is named, and several at the same time', async () => {
  const asked: string[] = []
  const all = Promise.withResolvers<void>()
  const managers = onlyTest(async (name) => {
    asked.push(name)
    if (asked.length === 3) all.resolve()
    await all.promise
    return { value: `{"key":"${name}"}` }
  })
  const values = await paramsOf(
    { a: '${test:a#key}', b: '${test:b#key}-${test:c#key}-${test:a#key}', c: '${test:a}' },
    { managers },
  )
  assert.deepEqual(values, { a: 'a', b: 'b-c-a', c: '{"key":"a"}' })
  assert.deepEqual(asked, ['a', 'b', 'c'])
})

test('a member is exactly what was kept', async () => {
  const key = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => !/[{}]/.test(text))
  const number = fc.bigInt().map(String)
  await fc.assert(
    fc.asyncProperty(key, fc.string({ unit: 'binary' }), number, async (name, text, digits) => {
      const kept = `{"n":0,${JSON.stringify(`${name}n`)}:${digits},${JSON.stringify(`${name}t`)}:${JSON.stringify(text)}}`
      const managers = onlyTest(async () => ({ value: kept }))
      const values = await paramsOf({ n: `\${test:a#${name}n}`, t: `\${test:a#${name}t}` }, { managers })
      assert.deepEqual(values, { n: digits, t: text })
    }),
    { numRuns: 50 },
  )
})

test('what is inserted is never looked at again, and $${ stays a text', async () => {
  const managers = onlyTest(async () => ({ value: '${NAME}$${test:a}\r\n' }))
  const values = await paramsOf(
    { a: '${test:a}', b: '$${test:a}', c: '${test:-x}', d: '[${NAME}${test:a}]' },
    { managers, env: { NAME: 'hunter2' } },
  )
  assert.deepEqual(values, {
    a: '${NAME}$${test:a}',
    b: '${test:a}',
    c: 'x',
    d: '[hunter2${NAME}$${test:a}]',
  })
})

test('every problem is told at its path, also several in one text, each on a line of its own', async () => {
  const managers = onlyTest(async (name) => ({ problem: `no ${name}\nat all` }))
  const found = await problemsOf(
    {
      a: '${test:a}',
      b: '${test:b} ${NOPE} ${test:a} ${file:/no/such/file} ${test:b}',
      c: '${test:not a name}',
      d: '${tset:a}',
    },
    { managers },
  )
  const forms =
    '${NAME}, ${NAME:-default}, ${file:/path}, ${aws-sm:NAME#KEY}, ${gcp-sm:projects/PROJECT/secrets/SECRET#KEY} or ${vault:PATH#KEY}'
  assert.deepEqual(found, {
    a: 'test:a: no a at all',
    b: 'test:b: no b at all; the environment has no variable NOPE; test:a: no a at all; cannot read the file /no/such/file: it does not exist',
    c: 'expected ${test:NAME#KEY}, found "${test:not a name}"',
    d: `expected ${forms}, found "\${tset:a}"; a literal \${ is written $\${`,
  })
})

test('a client library that is not installed is named, with what installs it', async () => {
  const missing = () => import('headwater-has-no-such-package' as string)
  const managers: Managers = {
    'aws-sm': async () => ({ default: createAwsManager(missing) }),
    'gcp-sm': async () => ({ default: createGoogleManager({ load: missing }) }),
  }
  assert.deepEqual(
    await problemsOf(
      { a: '${aws-sm:a}', b: '${aws-sm:b}', c: '${gcp-sm:projects/p/secrets/c}' },
      { managers },
    ),
    {
      a: 'aws-sm:a: this needs the package @aws-sdk/client-secrets-manager: npm install @aws-sdk/client-secrets-manager',
      b: 'aws-sm:b: this needs the package @aws-sdk/client-secrets-manager: npm install @aws-sdk/client-secrets-manager',
      c: 'gcp-sm:projects/p/secrets/c/versions/latest: this needs the package google-auth-library: npm install google-auth-library',
    },
  )
})

test('a fault of our own is not taken for a problem of the config', async () => {
  const fault = new TypeError('a bug')
  const managers = onlyTest(() => Promise.reject(fault))
  await assert.rejects(loadParams({ a: '${test:a}' }, { managers }), fault)
})

test('nothing is fetched, and no manager loaded, that is not named', async () => {
  const managers: Managers = { test: () => Promise.reject(new Error('loaded')) }
  assert.deepEqual(await paramsOf({ a: 'test:a', b: '$${test:a}' }, { managers }), {
    a: 'test:a',
    b: '${test:a}',
  })
})

test('what came out of a reference is printed as the reference', async () => {
  const managers = onlyTest(async () => ({ value: 'hunter2' }))
  const params = { query: 'x${test:a}y', api_key: '${test:a}', other: '${test:b#none}' }
  const { other: _, ...readable } = params
  const printed = await print(await loadParams(readable, { managers }), rooms)
  const { sources } = parse(printed) as { sources: readonly [{ params: unknown }] }
  assert.deepEqual(sources[0].params, readable)
  const found = await problemsOf(params, { managers })
  assert.doesNotMatch(printed + JSON.stringify(found), /hunter2/)
})

test('editors take a reference where a number or a choice is meant', async () => {
  const { heavy: _, ...queues } = rooms.queues
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
    await jsonSchema({ ...rooms, queues }),
  )
  for (const reference of ['${aws-sm:a#b}', '${gcp-sm:projects/p/secrets/s}', '${vault:a/b#c}']) {
    const source = { name: reference, type: 'poll', every: reference, page_size: reference }
    const config = { sources: [source], queue: { type: 'disk' }, store: { type: 'disk' } }
    assert.ok(validate(config), JSON.stringify(validate.errors))
  }
})

test('the command line reads secrets, hides them, ends, and exits with 78 where one is missing', async () => {
  const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'hunter2-key' }
  await using aws = await openFakeAwsSecretsManager({
    ...keys,
    region: 'eu-west-1',
    secrets: { admin: { SecretString: '{"token":"hunter2-token"}' } },
  })
  await using vault = await openFakeVault()
  await using folder = await temporaryFolder()
  const env = {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_SESSION_TOKEN: undefined,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    VAULT_ADDR: vault.url,
    VAULT_TOKEN: vault.rootToken,
  }
  const path = join(folder.path, 'headwater.yaml')
  const written = (level: string): string =>
    `queue: { type: embedded }\nstore: { type: embedded }\nadmin: { token: "\${aws-sm:admin#token}" }\nlog: { level: "${level}" }\n`
  await writeFile(path, written('warn'))
  const good = await run(['config', 'print', '-c', path], { env })
  assert.equal(good.code, 0, good.stderr)
  assert.equal((parse(good.stdout) as { admin: { token: string } }).admin.token, '***')
  assert.equal(aws.asked.length, 1)

  await writeFile(path, written('${vault:kv/log#level}${aws-sm:admin#nothing}'))
  const bad = await run(['config', 'check', '-c', path], { env })
  assert.equal(bad.code, 78)
  assert.match(bad.stderr, /log\.level: vault:kv\/log: .*; aws-sm:admin: it has no key "nothing"/)
  const shown = [good, bad].map(({ stdout, stderr }) => stdout + stderr).join('')
  assert.ok(!/hunter2/.test(shown) && !shown.includes(vault.rootToken), shown)
})

test('no connection left this machine, and one that tried would have been seen', async () => {
  assert.deepEqual(elsewhere, [])
  const [error] = await once(connect({ host: '192.0.2.1', port: 443 }), 'error')
  assert.equal((error as NodeJS.ErrnoException).code, 'ENETUNREACH')
  assert.deepEqual(elsewhere, ['192.0.2.1'])
})
