import { createHash, createHmac } from 'node:crypto'
import { type Answer, type Asked, HELD, openProvider, type Provider, type Reply } from './provider.ts'

/** A secret, or the error that the service gives in its place. */
export type AwsSecret =
  | { readonly SecretString: string }
  | { readonly SecretBinary: string }
  | { readonly error: string; readonly message: string }
  | typeof HELD

export interface FakeAwsOptions {
  /** By their name, or by their ARN. */
  readonly secrets: Readonly<Record<string, AwsSecret>>
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/**
 * A fake of GetSecretValue of AWS Secrets Manager: the JSON 1.1 protocol, with signatures checked as AWS checks them and
 * errors by the names and in the words of the service. What it can't show: IAM and KMS, replicas in other regions, versions
 * and rotation, throttling, the time a change needs until every host has it.
 */
export async function openFakeAwsSecretsManager(options: FakeAwsOptions): Promise<Provider> {
  return openProvider((call) => respond(call, options))
}

function respond(call: Asked, { secrets, region, accessKeyId, secretAccessKey }: FakeAwsOptions): Answer {
  if (call.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue')
    return fault('UnknownOperationException', '')
  const [, key, scope = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(
      call.headers.authorization ?? '',
    ) ?? []
  if (key !== accessKeyId) {
    return fault('UnrecognizedClientException', 'The security token included in the request is invalid.')
  }
  const canonical = canonicalRequest(call, names.split(';'))
  if (signature !== sign(canonical, call, scope, secretAccessKey)) {
    const message = `The request signature we calculated does not match the signature you provided. The Canonical String for this request should have been\n'${canonical}'`
    return fault('InvalidSignatureException', message)
  }
  const { SecretId: id } = JSON.parse(call.body) as { SecretId: string }
  const isHere = scope.split('/')[1] === region
  const secret = isHere && Object.hasOwn(secrets, id) ? secrets[id] : undefined
  if (secret === HELD) return HELD
  if (secret === undefined) {
    return fault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  }
  if ('error' in secret) return fault(secret.error, secret.message)
  return { status: 200, body: { Name: id, VersionStages: ['AWSCURRENT'], ...secret } }
}

const fault = (type: string, message: string): Reply => ({
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: { __type: type, Message: message, message },
})

function canonicalRequest({ method, path, headers, body }: Asked, names: readonly string[]): string {
  const lines = names.map((name) => `${name}:${String(headers[name]).trim()}\n`)
  const hash = createHash('sha256').update(body).digest('hex')
  return [method, path, '', lines.join(''), names.join(';'), hash].join('\n')
}

function sign(canonical: string, { headers }: Asked, scope: string, secretAccessKey: string): string {
  const hash = createHash('sha256').update(canonical).digest('hex')
  const text = ['AWS4-HMAC-SHA256', String(headers['x-amz-date']), scope, hash].join('\n')
  const key = scope
    .split('/')
    .reduce<string | Buffer>(
      (above, part) => createHmac('sha256', above).update(part).digest(),
      `AWS4${secretAccessKey}`,
    )
  return createHmac('sha256', key).update(text).digest('hex')
}
