import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openFakeAwsSecretsManager } from '../../support/fake-aws-secrets-manager.ts'
import { allowOnlyLoopback } from '../../support/only-loopback.ts'
import { changeEnv } from '../../support/process-env.ts'
import { HELD } from '../../support/provider.ts'
import { paramsOf, problemsOf } from './params.ts'

const elsewhere = allowOnlyLoopback()
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf'
const deletion = "You can't perform this operation on the secret because it was marked for deletion."
const denied =
  'User: arn:aws:iam::123456789012:user/reviews is not authorized to perform: secretsmanager:GetSecretValue on resource: denied because no identity-based policy allows the secretsmanager:GetSecretValue action'

const fake = await openFakeAwsSecretsManager({
  ...keys,
  region: 'eu-west-1',
  secrets: {
    plain: { SecretString: 'hunter2\n' },
    'prod/db': { SecretString: '{"password":"hunter2","port":5432,"pin":00001}' },
    'prod/api': {
      SecretString: '{"password":"p${NAME}","pin":12345678901234567890,"tls":false,"none":null}',
    },
    [arn]: { SecretString: '{"password":"hunter3"}' },
    'rds!cluster-1': { SecretString: '{"password":"hunter4"}' },
    bytes: { SecretBinary: Buffer.from('Grüße').toString('base64') },
    image: { SecretBinary: Buffer.from([0xff, 0xd8, 0xff]).toString('base64') },
    denied: { error: 'AccessDeniedException', message: denied },
    deleted: { error: 'InvalidRequestException', message: deletion },
    broken: { error: 'InternalServiceError', message: 'hunter2' },
    held: HELD,
  },
})
after(() => fake[Symbol.asyncDispose]())

/** Everything that AWS's library looks at is of this test, and its metadata server is never asked. */
const env = {
  AWS_ENDPOINT_URL: undefined,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: fake.url,
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_CONFIG_FILE: '/nowhere/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials',
  AWS_EC2_METADATA_DISABLED: 'true',
} as const

const within = (changes: Readonly<Record<string, string | undefined>> = {}): Disposable =>
  changeEnv({ ...env, ...changes })

test('reads whole secrets and members, by name and by ARN', async () => {
  using _ = within()
  const values = await paramsOf({
    plain: '${aws-sm:plain}',
    whole: '${aws-sm:prod/db}',
    password: '${aws-sm:prod/api#password}',
    url: 'mysql://x:${aws-sm:rds!cluster-1#password}@h/?pin=${aws-sm:prod/api#pin}&tls=${aws-sm:prod/api#tls}',
    arn: `\${aws-sm:${arn}#password}`,
    bytes: '${aws-sm:bytes}',
  })
  assert.deepEqual(values, {
    plain: 'hunter2',
    whole: '{"password":"hunter2","port":5432,"pin":00001}',
    password: 'p${NAME}',
    url: 'mysql://x:hunter4@h/?pin=12345678901234567890&tls=false',
    arn: 'hunter3',
    bytes: 'Grüße',
  })
})

test('a secret named by its ARN is asked for in its own region', async () => {
  using _ = within({ AWS_REGION: 'us-east-1' })
  assert.deepEqual(await paramsOf({ a: `\${aws-sm:${arn}#password}` }), { a: 'hunter3' })
  assert.deepEqual(await problemsOf({ a: '${aws-sm:plain}' }), {
    a: "aws-sm:plain: there is none in us-east-1 (Secrets Manager can't find the specified secret.)",
  })
})

test('tells what is missing, not allowed or no text', async () => {
  using _ = within()
  const found = await problemsOf({
    none: '${aws-sm:none}',
    key: '${aws-sm:prod/api#pasword}',
    null: '${aws-sm:prod/api#none}',
    no_json: '${aws-sm:prod/db#password}',
    text: '${aws-sm:plain#password}',
    denied: '${aws-sm:denied#password}',
    deleted: '${aws-sm:deleted}',
    image: '${aws-sm:image}',
    name: '${aws-sm:what is this}',
    empty: '${aws-sm:}',
    no_key: '${aws-sm:plain#}',
    both: '${aws-sm:none}${aws-sm:image}',
  })
  const none = "aws-sm:none: there is none in eu-west-1 (Secrets Manager can't find the specified secret.)"
  const image = 'aws-sm:image: the secret is no UTF-8 text: keep binary data as base64'
  assert.deepEqual(found, {
    none,
    key: 'aws-sm:prod/api: it has no key "pasword"',
    null: 'aws-sm:prod/api: its key "none" is neither a text, a number, true nor false',
    no_json: 'aws-sm:prod/db: it is no JSON object, so it has no key "password"',
    text: 'aws-sm:plain: it is no JSON object, so it has no key "password"',
    denied: `aws-sm:denied: it may not be read (${denied})`,
    deleted: `aws-sm:deleted: it can not be read (InvalidRequestException: ${deletion})`,
    image,
    name: 'expected ${aws-sm:NAME#KEY}, found "${aws-sm:what is this}"',
    empty: 'expected ${aws-sm:NAME#KEY}, found "${aws-sm:}"',
    no_key: 'expected ${aws-sm:NAME#KEY}, found "${aws-sm:plain#}"',
    both: `${none}; ${image}`,
  })
})

test('tells what is wrong with the credentials, and nothing that was sent', async () => {
  const wanting: readonly (readonly [Readonly<Record<string, string | undefined>>, string])[] = [
    [
      { AWS_ACCESS_KEY_ID: 'AKIDOTHER' },
      'the AWS credentials are not accepted (UnrecognizedClientException)',
    ],
    [
      { AWS_SECRET_ACCESS_KEY: 'hunter2', AWS_SESSION_TOKEN: 'hunter2' },
      'the AWS credentials are not accepted (InvalidSignatureException)',
    ],
    [
      { AWS_ACCESS_KEY_ID: undefined },
      'no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run with a role',
    ],
    [{ AWS_REGION: undefined }, 'no region: set AWS_REGION, or name the secret by its ARN'],
  ]
  for (const [changes, problem] of wanting) {
    using _ = within(changes)
    assert.deepEqual(await problemsOf({ a: '${aws-sm:plain}' }), { a: `aws-sm:plain: ${problem}` })
  }
})

test('says where nobody was reached, where no answer came in time, and what failed', async () => {
  using _ = within()
  assert.deepEqual(await problemsOf({ a: '${aws-sm:held}' }, { deadlineMs: 100 }), {
    a: 'aws-sm:held: no answer within 100 ms',
  })
  assert.deepEqual(await problemsOf({ a: '${aws-sm:broken}' }), {
    a: 'aws-sm:broken: the request failed (InternalServiceError)',
  })
  const gone = await openFakeAwsSecretsManager({ ...keys, region: 'eu-west-1', secrets: {} })
  await gone[Symbol.asyncDispose]()
  using _gone = changeEnv({ AWS_ENDPOINT_URL_SECRETS_MANAGER: gone.url })
  assert.deepEqual(await problemsOf({ a: '${aws-sm:plain}' }), {
    a: 'aws-sm:plain: cannot reach AWS: ECONNREFUSED',
  })
})

test('no connection left this machine', () => assert.deepEqual(elsewhere, []))
