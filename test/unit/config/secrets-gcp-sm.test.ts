import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createManager } from '../../../src/config/secrets/gcp-sm.ts'
import { openFakeGoogleSecretManager } from '../../support/fake-google-secret-manager.ts'
import { allowOnlyLoopback } from '../../support/only-loopback.ts'
import { changeEnv } from '../../support/process-env.ts'
import { HELD } from '../../support/provider.ts'
import { temporaryFolder } from '../../support/temp.ts'
import { type Options, paramsOf as paramsIn, problemsOf as problemsIn } from './params.ts'

const elsewhere = allowOnlyLoopback()
const denied =
  "Permission 'secretmanager.versions.access' denied for resource 'projects/p/secrets/denied/versions/latest' (or it may not exist)."
const disabled = 'Secret Version [projects/1/secrets/off/versions/1] is in DISABLED state.'

const fake = await openFakeGoogleSecretManager({
  'projects/p/secrets/plain/versions/latest': 'Grüße\n',
  'projects/p/secrets/plain/versions/3': 'older',
  'projects/example.com:p/secrets/db/versions/live': '{"password":"hunter2","pin":12345678901234567890}',
  'projects/p/secrets/empty/versions/latest': '',
  'projects/p/secrets/image/versions/latest': Buffer.from([0xff, 0xd8, 0xff]),
  'projects/p/secrets/held/versions/latest': HELD,
  'projects/p/secrets/denied/versions/latest': { code: 403, status: 'PERMISSION_DENIED', message: denied },
  'projects/p/secrets/off/versions/1': { code: 400, status: 'FAILED_PRECONDITION', message: disabled },
})
const folder = await temporaryFolder()
const credentials = await fake.writeCredentials(folder.path)
after(async () => {
  await fake[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** Everything that Google's library looks at is of this file, and its metadata server is never asked. */
Object.assign(process.env, {
  GOOGLE_APPLICATION_CREDENTIALS: credentials,
  METADATA_SERVER_DETECTION: 'none',
  HOME: folder.path,
})
for (const name of ['CLOUDSDK_CONFIG', 'GOOGLE_CLOUD_QUOTA_PROJECT']) delete process.env[name]

/** Google names no variable for another address than its own. */
const managers = (endpoint: string) => ({
  'gcp-sm': async () => ({ default: createManager({ endpoint }) }),
})
const options = { managers: managers(fake.url) }
const paramsOf = (params: Record<string, string>) => paramsIn(params, options)
const problemsOf = (params: Record<string, string>, more: Partial<Options> = {}) =>
  problemsIn(params, { ...options, ...more })

test('reads whole secrets and members, the latest version or another', async () => {
  const values = await paramsOf({
    plain: '${gcp-sm:projects/p/secrets/plain}',
    older: '${gcp-sm:projects/p/secrets/plain/versions/3}',
    password: 'a ${gcp-sm:projects/example.com:p/secrets/db/versions/live#password}',
    pin: '${gcp-sm:projects/example.com:p/secrets/db/versions/live#pin}',
    empty: '${gcp-sm:projects/p/secrets/empty}',
  })
  assert.deepEqual(values, {
    plain: 'Grüße',
    older: 'older',
    password: 'a hunter2',
    pin: '12345678901234567890',
    empty: '',
  })
})

test('a secret is fetched once whether its latest version is named or not', async () => {
  const before = fake.asked.length
  await paramsOf({
    a: '${gcp-sm:projects/p/secrets/plain}',
    b: '${gcp-sm:projects/p/secrets/plain/versions/latest}',
  })
  const paths = fake.asked.slice(before).map(({ path }) => path)
  assert.deepEqual(paths, ['/v1/token', '/v1/projects/p/secrets/plain/versions/latest:access'])
})

test('tells what is missing, not allowed or no text', async () => {
  const found = await problemsOf({
    none: '${gcp-sm:projects/p/secrets/none}',
    key: '${gcp-sm:projects/example.com:p/secrets/db/versions/live#pasword}',
    denied: '${gcp-sm:projects/p/secrets/denied}',
    off: '${gcp-sm:projects/p/secrets/off/versions/1}',
    image: '${gcp-sm:projects/p/secrets/image}',
    name: '${gcp-sm:plain}',
    traversal: '${gcp-sm:projects/p/secrets/a/../b}',
  })
  assert.deepEqual(found, {
    none: 'gcp-sm:projects/p/secrets/none/versions/latest: there is none of this name and version (Secret [projects/p/secrets/none] not found or has no versions.)',
    key: 'gcp-sm:projects/example.com:p/secrets/db/versions/live: it has no key "pasword"',
    denied: `gcp-sm:projects/p/secrets/denied/versions/latest: it may not be read; its reader needs the role roles/secretmanager.secretAccessor (${denied})`,
    off: `gcp-sm:projects/p/secrets/off/versions/1: the request failed with status 400 (${disabled})`,
    image:
      'gcp-sm:projects/p/secrets/image/versions/latest: the secret is no UTF-8 text: keep binary data as base64',
    name: 'expected ${gcp-sm:projects/PROJECT/secrets/SECRET#KEY}, found "${gcp-sm:plain}"',
    traversal:
      'expected ${gcp-sm:projects/PROJECT/secrets/SECRET#KEY}, found "${gcp-sm:projects/p/secrets/a/../b}"',
  })
})

const a = '${gcp-sm:projects/p/secrets/plain}'
const of = (problem: string) => ({ a: `gcp-sm:projects/p/secrets/plain/versions/latest: ${problem}` })

test('tells what is wrong with the credentials, and nothing of them', async () => {
  await using bad = await temporaryFolder()
  const unreadable = join(bad.path, 'unreadable.json')
  await writeFile(unreadable, '{"private_key": hunter2')
  const noToken = 'the Google credentials give no access token'
  const wanting: readonly (readonly [string | undefined, string])[] = [
    [await fake.writeCredentials(bad.path, 'hunter2'), `${noToken} (invalid_grant)`],
    [unreadable, `${noToken} (they can not be used)`],
    [join(bad.path, 'none.json'), `${noToken} (ENOENT)`],
    [undefined, 'no Google credentials: set GOOGLE_APPLICATION_CREDENTIALS, or run with a service account'],
  ]
  for (const [path, problem] of wanting) {
    using _ = changeEnv({ GOOGLE_APPLICATION_CREDENTIALS: path })
    assert.deepEqual(await problemsOf({ a }), of(problem))
  }
})

test('a token that Google no longer takes is told as such', async () => {
  await using other = await openFakeGoogleSecretManager({})
  assert.deepEqual(
    await problemsOf({ a }, { managers: managers(other.url) }),
    of('the Google credentials are not accepted (Request had invalid authentication credentials.)'),
  )
})

test('says where nobody was reached, and where no answer came in time', async () => {
  assert.deepEqual(await problemsOf({ held: '${gcp-sm:projects/p/secrets/held}' }, { deadlineMs: 500 }), {
    held: 'gcp-sm:projects/p/secrets/held/versions/latest: no answer within 500 ms',
  })
  const gone = await openFakeGoogleSecretManager({})
  await gone[Symbol.asyncDispose]()
  assert.deepEqual(
    await problemsOf({ a }, { managers: managers(gone.url) }),
    of(`cannot reach ${gone.url}: ECONNREFUSED`),
  )
})

test('no connection left this machine', () => assert.deepEqual(elsewhere, []))
