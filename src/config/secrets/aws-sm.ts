import { codeOf, networkReason } from './http.ts'
import { type SecretManager, textOf } from './secret-manager.ts'

type Library = typeof import('@aws-sdk/client-secrets-manager')
type Client = InstanceType<Library['SecretsManagerClient']>

const NAME = /^[\w/+=.@!-]{1,512}$/
const ARN = /^arn:[\w-]+:secretsmanager:([\w-]+):\d{12}:secret:[\w/+=.@!-]+$/

/**
 * AWS Secrets Manager. Region and credentials are what AWS's library finds in the process's environment, in files or in
 * the machine's role; a secret named by its ARN is asked for in its own region.
 */
export function createManager(
  load: () => Promise<Library> = () => import('@aws-sdk/client-secrets-manager'),
): SecretManager {
  return {
    form: 'aws-sm:NAME#KEY',
    needsKey: false,
    library: '@aws-sdk/client-secrets-manager',
    fullName: (written) => (NAME.test(written) || ARN.test(written) ? written : undefined),
    async open() {
      const { SecretsManagerClient, GetSecretValueCommand } = await load()
      // Nothing stays open behind a request: a config is read once.
      const requestHandler = { httpAgent: { keepAlive: false }, httpsAgent: { keepAlive: false } }
      const clients = new Map<string | undefined, Client>()

      function clientIn(region: string | undefined): Client {
        const known = clients.get(region)
        if (known) return known
        const client = new SecretsManagerClient({ requestHandler, ...(region !== undefined && { region }) })
        clients.set(region, client)
        return client
      }

      return async (name, abortSignal) => {
        const client = clientIn(ARN.exec(name)?.[1])
        try {
          const command = new GetSecretValueCommand({ SecretId: name })
          const { SecretString: text, SecretBinary: bytes } = await client.send(command, { abortSignal })
          return text === undefined ? textOf(bytes ?? new Uint8Array()) : { value: text }
        } catch (error) {
          return { problem: await reasonOf(error, client) }
        }
      }
    },
  }
}

export default createManager()

/** What is wrong with a secret, as the service says it. Its other messages may hold what was sent, credentials too. */
const ABOUT_THE_SECRET =
  /^(InvalidRequestException|InvalidParameterException|ValidationException|DecryptionFailure)$/
const ABOUT_THE_CREDENTIALS =
  /^(UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|InvalidClientTokenId|IncompleteSignature)/

async function reasonOf(error: unknown, { config }: Client): Promise<string> {
  if (!(error instanceof Error)) return 'the request failed'
  const { name, message } = error
  if (message === 'Region is missing') return 'no region: set AWS_REGION, or name the secret by its ARN'
  if (name === 'CredentialsProviderError') {
    return 'no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run with a role'
  }
  if (name === 'ResourceNotFoundException') return `there is none in ${await config.region()} (${message})`
  if (name === 'AccessDeniedException') return `it may not be read (${message})`
  if (ABOUT_THE_SECRET.test(name)) return `it can not be read (${name}: ${message})`
  if (ABOUT_THE_CREDENTIALS.test(name)) return `the AWS credentials are not accepted (${name})`
  const code = '$fault' in error ? undefined : codeOf(error)
  return code === undefined ? `the request failed (${name})` : `cannot reach AWS: ${networkReason(error)}`
}
